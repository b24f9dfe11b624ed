{#- A finding counts in the month it was found in, whatever became of it later. -#}
with

findings as (

    select
        *,
        date_trunc('month', found_on)::date as month
    from {{ ref("stg_water_affairs__four_disorder_finding") }}

),

patrols as (

    select * from {{ ref("stg_water_affairs__river_patrol") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'four_disorder_finding'

),

found as (

    select
        county_code,
        month,
        count(*)::integer as findings,
        (count(*) filter (where is_found_by_machine))::integer as findings_by_machine,
        (count(*) filter (where not is_found_by_machine))::integer as findings_by_people,
        (count(*) filter (where is_found_by_machine and is_confirmed))::integer as confirmed_by_machine,
        (count(*) filter (where is_confirmed))::integer as findings_confirmed,
        (count(*) filter (where is_confirmed and cleared_on is not null))::integer as findings_cleared,
        sum(area_m2) filter (where is_confirmed) as area_confirmed_m2,
        coalesce(sum(area_m2) filter (where cleared_on is not null), 0) as area_freed_m2,
        max(loaded_at) as loaded_at
    from findings
    group by county_code, month

),

walked as (

    select
        county_code,
        month,
        sum(patrols_planned)::integer as patrols_planned,
        sum(patrols_done)::integer as patrols_done,
        max(loaded_at) as loaded_at
    from patrols
    group by county_code, month

),

joined as (

    select
        coalesce(found.county_code, walked.county_code) as county_code,
        coalesce(found.month, walked.month) as month,
        coalesce(found.findings, 0) as findings,
        coalesce(found.findings_by_machine, 0) as findings_by_machine,
        coalesce(found.findings_by_people, 0) as findings_by_people,
        coalesce(found.confirmed_by_machine, 0) as confirmed_by_machine,
        coalesce(found.findings_confirmed, 0) as findings_confirmed,
        coalesce(found.findings_cleared, 0) as findings_cleared,
        found.area_confirmed_m2,
        coalesce(found.area_freed_m2, 0) as area_freed_m2,
        walked.patrols_planned,
        walked.patrols_done,
        greatest(found.loaded_at, walked.loaded_at) as data_as_of
    from found
    full join walked on found.county_code = walked.county_code and found.month = walked.month

),

final as (

    select
        joined.county_code,
        counties.name as county_name,
        joined.month,
        joined.findings,
        joined.findings_by_machine,
        joined.findings_by_people,
        joined.confirmed_by_machine,
        joined.findings_confirmed,
        joined.findings_cleared,
        joined.area_confirmed_m2,
        joined.area_freed_m2,
        joined.patrols_planned,
        joined.patrols_done,
        datasets.origin,
        datasets.origin_label,
        joined.data_as_of
    from joined
    inner join counties on joined.county_code = counties.area_code
    cross join datasets

)

select * from final
