{#- Days are the 24 hours before the build and the 24 before those: a day that is not over is compared with no whole one. -#}
with

cases as (

    select * from {{ ref("fct_case") }}
    where not is_voided and (is_open or found_at > '{{ run_started_at }}'::timestamptz - interval '61 days')

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

domains as (

    select distinct
        domain,
        domain_name
    from {{ ref("stg_meta__scenario") }}
    where scenario_kind = 'event'

),

timed as (

    select
        *,
        found_at > '{{ run_started_at }}'::timestamptz - interval '30 days' as is_of_30d,
        found_at > '{{ run_started_at }}'::timestamptz - interval '24 hours' as is_of_last_day,
        found_at > '{{ run_started_at }}'::timestamptz - interval '48 hours'
        and found_at <= '{{ run_started_at }}'::timestamptz - interval '24 hours' as is_of_day_before
    from cases

),

counted as (

    select
        domain,
        county_code,
        (count(*) filter (where is_open))::integer as cases_open,
        (count(*) filter (where is_open and (is_urgent or has_handling_run_out)))::integer as alerts_now,
        (count(*) filter (where is_of_30d))::integer as cases_30d,
        (count(*) filter (where is_of_30d and is_closed))::integer as cases_closed_30d,
        (count(*) filter (where found_at > '{{ run_started_at }}'::timestamptz - interval '60 days' and not is_of_30d))::integer
            as cases_30d_before,
        (count(*) filter (where is_of_last_day))::integer as cases_last_day,
        (count(*) filter (where is_of_day_before))::integer as cases_day_before,
        max(origin) as origin,
        max(last_stepped_at) as data_as_of
    from timed
    group by domain, county_code

),

final as (

    select
        domains.domain,
        domains.domain_name,
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(counted.cases_open, 0) as cases_open,
        coalesce(counted.alerts_now, 0) as alerts_now,
        coalesce(counted.cases_30d, 0) as cases_30d,
        coalesce(counted.cases_closed_30d, 0) as cases_closed_30d,
        coalesce(counted.cases_30d_before, 0) as cases_30d_before,
        coalesce(counted.cases_last_day, 0) as cases_last_day,
        coalesce(counted.cases_day_before, 0) as cases_day_before,
        -- a domain without a case in a county has no data to be of either kind
        coalesce(counted.origin, 'real') as origin,
        {{ origin_label("coalesce(counted.origin, 'real')") }} as origin_label,
        counted.data_as_of
    from domains
    cross join counties
    left join counted on domains.domain = counted.domain and counties.area_code = counted.county_code

)

select * from final
