{#- What people decided on what cameras told: a closed case was a finding, a voided one was none, an open one says nothing yet. -#}
with

cases as (

    select * from {{ ref("fct_case") }}
    where source_kind = 'video'

),

cameras as (

    select
        case_id,
        min(source_id) as camera_id
    from {{ ref("stg_ops__signal") }}
    where source_kind = 'video' and signal_kind = 'detected'
    group by case_id

),

counted as (

    select
        cases.scenario,
        max(cases.scenario_name) as scenario_name,
        cameras.camera_id,
        max(cases.county_code) as county_code,
        max(cases.place_name) as place_name,
        count(*)::integer as cases,
        (count(*) filter (where cases.is_closed))::integer as confirmed,
        (count(*) filter (where cases.is_voided))::integer as rejected,
        max(cases.origin) as origin,
        max(cases.origin_label) as origin_label,
        max(greatest(cases.found_at, cases.closed_at)) as data_as_of
    from cases
    inner join cameras on cases.case_id = cameras.case_id
    group by cases.scenario, cameras.camera_id

),

final as (

    select
        scenario,
        scenario_name,
        camera_id,
        county_code,
        place_name,
        cases,
        confirmed,
        rejected,
        (confirmed::numeric / nullif(confirmed + rejected, 0))::numeric(6, 4) as precision_share,
        origin,
        origin_label,
        data_as_of
    from counted

)

select * from final
