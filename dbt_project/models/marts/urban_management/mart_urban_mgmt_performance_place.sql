{#- A place is one of repeated trouble from three cases in thirty days on. -#}
with

cases as (

    select * from {{ ref("fct_case") }}
    where
        domain = 'governance'
        and not is_voided
        and place_id is not null
        and found_at > '{{ run_started_at }}'::timestamptz - interval '60 days'

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

counted as (

    select
        place_id,
        max(place_name) as place_name,
        max(county_code) as county_code,
        max(scenario_name) as scenario_name,
        (count(*) filter (where found_at > '{{ run_started_at }}'::timestamptz - interval '30 days'))::integer as cases_30d,
        (count(*) filter (where found_at <= '{{ run_started_at }}'::timestamptz - interval '30 days'))::integer as cases_30d_before,
        (count(*) filter (where is_open))::integer as cases_open,
        max(found_at) as last_found_at,
        max(origin) as origin,
        max(last_stepped_at) as data_as_of
    from cases
    group by place_id

),

final as (

    select
        counted.place_id,
        counted.place_name,
        counted.county_code,
        counties.name as county_name,
        counted.scenario_name,
        counted.cases_30d,
        counted.cases_30d_before,
        counted.cases_open,
        counted.cases_30d >= 3 as needs_attention,
        counted.last_found_at,
        counted.origin,
        {{ origin_label("counted.origin") }} as origin_label,
        counted.data_as_of
    from counted
    left join counties on counted.county_code = counties.area_code
    where counted.cases_30d >= 1

)

select * from final
