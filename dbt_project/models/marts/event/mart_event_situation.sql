with

cases as (

    -- what is open, however old, and what was found in the 30 days of the figures, with a day for the age of a build
    select * from {{ ref("fct_case") }}
    where is_open or found_at > now() - interval '31 days'

),

stages as (

    select * from {{ ref("int_case__stage") }}
    where is_current

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        cases.case_number,
        cases.case_title,
        cases.scenario,
        cases.scenario_name,
        cases.domain_name,
        cases.county_code,
        counties.name as county_name,
        cases.place_name,
        cases.source_kind_label,
        cases.is_auto_collected,
        cases.state_label,
        cases.is_open,
        cases.is_closed,
        cases.is_voided,
        cases.lead_name,
        coalesce(cases.handler_name, '未派遣') as handler_name,
        cases.found_at,
        (cases.found_at at time zone 'Asia/Shanghai')::date as found_day,
        cases.closed_at,
        stages.entered_at as stage_since,
        cases.has_handling_run_out,
        cases.handling_due_at,
        cases.next_due_at,
        coalesce(cases.next_limit_label, '不计时') as next_limit_label,
        cases.is_exempt,
        cases.is_closed_on_time,
        cases.is_checked_by_machine,
        cases.minutes_to_close,
        cases.sightings,
        cases.rework_count,
        cases.origin,
        cases.origin_label,
        cases.last_stepped_at as data_as_of
    from cases
    left join stages on cases.case_id = stages.case_id
    left join counties on cases.county_code = counties.area_code

)

select * from final
