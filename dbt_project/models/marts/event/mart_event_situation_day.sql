{#-
    The band is what the 30 days before make likely: their mean, two standard deviations up and down, never below zero. It is null until
    seven days are known, and no day counts before the first case: nobody was looking.
-#}
with

cases as (

    select
        *,
        (found_at at time zone 'Asia/Shanghai')::date as found_day,
        (closed_at at time zone 'Asia/Shanghai')::date as closed_day
    from {{ ref("fct_case") }}
    where not is_voided

),

signals as (

    select
        *,
        (observed_at at time zone 'Asia/Shanghai')::date as day
    from {{ ref("stg_ops__signal") }}
    where signal_kind = 'detected'

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

watched as (

    select
        min(found_day) as first_day,
        max(origin) as origin,
        max(greatest(found_at, closed_at)) as data_as_of
    from cases
    having count(*) > 0

),

days as (

    select
        areas.area_code,
        areas.area_level,
        areas.county_code,
        areas.name as area_name,
        series.day::date as day,
        watched.origin,
        watched.data_as_of
    from areas
    cross join watched
    cross join lateral generate_series(
        greatest(watched.first_day, {{ build_day() }} - 120), {{ build_day() }}, interval '1 day'
    ) as series (day)

),

cases_of_areas as (

    select
        areas.area_code,
        cases.found_day,
        cases.closed_day,
        cases.is_closed,
        cases.is_closed_on_time,
        cases.is_auto_collected
    from cases
    inner join areas on areas.area_level = 'city' or cases.county_code = areas.county_code

),

found as (

    select
        area_code,
        found_day,
        count(*)::integer as cases_new,
        (count(*) filter (where is_auto_collected))::integer as cases_auto_collected
    from cases_of_areas
    group by area_code, found_day

),

closed as (

    select
        area_code,
        closed_day,
        count(*)::integer as cases_closed,
        (count(*) filter (where is_closed_on_time))::integer as cases_closed_on_time
    from cases_of_areas
    where is_closed
    group by area_code, closed_day

),

noticed as (

    select
        areas.area_code,
        signals.day,
        count(*)::integer as signals
    from signals
    inner join areas on areas.area_level = 'city' or signals.county_code = areas.county_code
    group by areas.area_code, signals.day

),

counted as (

    select
        days.*,
        coalesce(noticed.signals, 0) as signals,
        coalesce(found.cases_new, 0) as cases_new,
        coalesce(found.cases_auto_collected, 0) as cases_auto_collected,
        coalesce(closed.cases_closed, 0) as cases_closed,
        coalesce(closed.cases_closed_on_time, 0) as cases_closed_on_time
    from days
    left join noticed on days.area_code = noticed.area_code and days.day = noticed.day
    left join found on days.area_code = found.area_code and days.day = found.found_day
    left join closed on days.area_code = closed.area_code and days.day = closed.closed_day

),

expected as (

    select
        *,
        (count(*) over before)::integer as days_known,
        avg(cases_new) over before as mean_before,
        stddev_samp(cases_new) over before as spread_before
    from counted
    window before as (partition by area_code order by day rows between 30 preceding and 1 preceding)

),

banded as (

    select
        *,
        case when days_known >= 7 then round(mean_before, 2) end as expected_new,
        case when days_known >= 7 then round(greatest(mean_before - 2 * spread_before, 0), 2) end as band_low,
        case when days_known >= 7 then round(mean_before + 2 * spread_before, 2) end as band_high
    from expected

),

final as (

    select
        area_code,
        area_level,
        area_name,
        county_code,
        day,
        signals,
        cases_new,
        cases_auto_collected,
        cases_closed,
        cases_closed_on_time,
        days_known,
        expected_new,
        band_low,
        band_high,
        cases_new not between band_low and band_high as is_outside_band,
        origin,
        {{ origin_label("origin") }} as origin_label,
        data_as_of
    from banded

)

select * from final
