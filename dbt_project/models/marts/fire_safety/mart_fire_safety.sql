{#- A place is one of repeated trouble from three occupations in thirty days on. -#}
with

compounds as (

    select * from {{ ref("dim_compound") }}

),

cases as (

    select
        *,
        found_at > '{{ run_started_at }}'::timestamptz - interval '30 days' as is_of_30d,
        found_at > '{{ run_started_at }}'::timestamptz - interval '60 days' as is_of_60d
    from {{ ref("fct_case") }}
    where scenario = 'fire_lane_occupancy' and found_at > '{{ run_started_at }}'::timestamptz - interval '400 days'

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

counted as (

    select
        place_id,
        (count(*) filter (where is_of_30d and not is_voided))::integer as occupations_30d,
        (count(*) filter (where is_of_60d and not is_of_30d and not is_voided))::integer as occupations_30d_before,
        (count(*) filter (where is_open))::integer as occupations_open,
        (count(*) filter (where is_of_30d and is_voided))::integer as false_alarms_30d,
        percentile_cont(0.5) within group (order by extract(epoch from handled_at - found_at) / 60)
        filter (where is_of_30d and is_closed) as median_minutes_to_clear,
        max(found_at) filter (where not is_voided) as last_found_at,
        max(origin) as origin,
        max(last_stepped_at) as data_as_of
    from cases
    group by place_id

),

final as (

    select
        compounds.compound_id,
        compounds.compound_name,
        compounds.county_code,
        counties.name as county_name,
        compounds.property_company_name,
        compounds.connected as is_connected,
        case when compounds.connected then '已接入' else '未接入' end as connected_label,
        coalesce(counted.occupations_30d, 0) as occupations_30d,
        coalesce(counted.occupations_30d_before, 0) as occupations_30d_before,
        coalesce(counted.occupations_open, 0) as occupations_open,
        coalesce(counted.false_alarms_30d, 0) as false_alarms_30d,
        counted.median_minutes_to_clear::numeric(18, 4) as median_minutes_to_clear,
        coalesce(counted.occupations_30d, 0) >= 3 as is_repeat_place,
        not compounds.connected or coalesce(counted.occupations_open, 0) > 0 or coalesce(counted.occupations_30d, 0) >= 3
            as needs_attention,
        counted.last_found_at,
        coalesce(counted.origin, compounds.origin) as origin,
        {{ origin_label("coalesce(counted.origin, compounds.origin)") }} as origin_label,
        counted.data_as_of
    from compounds
    left join counted on compounds.compound_id = counted.place_id
    left join counties on compounds.county_code = counties.area_code

)

select * from final
