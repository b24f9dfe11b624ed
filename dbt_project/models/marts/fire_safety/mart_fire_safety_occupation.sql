with

cases as (

    select * from {{ ref("fct_case") }}
    where scenario = 'fire_lane_occupancy' and found_at > '{{ run_started_at }}'::timestamptz - interval '400 days'

),

compounds as (

    select * from {{ ref("dim_compound") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        cases.case_number,
        cases.place_id as compound_id,
        coalesce(compounds.compound_name, cases.place_name) as compound_name,
        cases.county_code,
        counties.name as county_name,
        coalesce(cases.handler_name, '未派遣') as handler_name,
        cases.found_at,
        (cases.found_at at time zone 'Asia/Shanghai')::date as found_day,
        cases.is_open,
        -- a camera saw a vehicle, people found none: voided
        cases.is_voided as is_false_alarm,
        case when cases.is_closed then extract(epoch from cases.handled_at - cases.found_at) / 60 end as minutes_to_clear,
        cases.is_closed_on_time,
        cases.rework_count,
        cases.origin,
        cases.origin_label,
        cases.last_stepped_at as data_as_of
    from cases
    left join compounds on cases.place_id = compounds.compound_id
    left join counties on cases.county_code = counties.area_code

)

select * from final
