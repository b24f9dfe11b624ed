{%- set pollutants = {
    "PM2.5": "iaqi_pm25", "PM10": "iaqi_pm10", "SO₂": "iaqi_so2", "NO₂": "iaqi_no2", "CO": "iaqi_co", "O₃": "iaqi_o3"
} %}

with

hours as (

    select
        *,
        -- an hour is named after its end: 00:00 closes the day before
        (observed_at at time zone 'Asia/Shanghai' - interval '1 hour')::date as day
    from {{ ref("fct_air_quality_hour") }}

),

newest as (

    select
        max(day) as day,
        max(observed_at) as observed_at
    from hours

),

stations as (

    select distinct on (station_code)
        station_code,
        station_name,
        city_name,
        county_code,
        longitude,
        latitude,
        min(day) over (partition by station_code) as first_day
    from hours
    order by station_code asc, observed_at desc

),

station_days as (

    select
        stations.*,
        series.day::date as day,
        case
            when series.day < newest.day then 24
            else extract(hour from newest.observed_at at time zone 'Asia/Shanghai' - interval '1 hour')::integer + 1
        end as hours_expected
    from stations
    cross join newest
    cross join lateral generate_series(stations.first_day, newest.day, interval '1 day') as series (day)

),

ozone as (

    select
        station_code,
        observed_at,
        day,
        extract(hour from observed_at at time zone 'Asia/Shanghai' - interval '1 hour') + 1 as hour_of_day,
        coalesce(
            o3_8h,
            case
                when
                    count(o3) over eight_hours >= 6
                    then avg(o3) over eight_hours
            end
        ) as o3_8h
    from hours
    window eight_hours as (
        partition by station_code order by observed_at range between interval '7 hours' preceding and current row
    )

),

ozone_days as (

    -- the day's eight-hour means are those that end from 08:00 on; GB 3095-2012 asks for 14 of the 17
    select
        station_code,
        day,
        case when count(o3_8h) >= 14 then round(max(o3_8h)) end as o3_8h_max
    from ozone
    where hour_of_day >= 8
    group by station_code, day

),

means as (

    -- a daily mean needs 20 hours (GB 3095-2012, table 4); rounded as published, CO to a tenth
    select
        station_code,
        day,
        (count(*) filter (where pollutants_reported > 0))::integer as hours_reported,
        {%- for pollutant in ["pm25", "pm10", "so2", "no2"] %}
        case when count({{ pollutant }}) >= 20 then round(avg({{ pollutant }})) end as {{ pollutant }}_mean,
        {%- endfor %}
        case when count(co) >= 20 then round(avg(co), 1) end as co_mean,
        max(loaded_at) as loaded_at
    from hours
    group by station_code, day

),

indexed as (

    select
        station_days.*,
        coalesce(means.hours_reported, 0) as hours_reported,
        means.pm25_mean,
        means.pm10_mean,
        means.so2_mean,
        means.no2_mean,
        means.co_mean,
        ozone_days.o3_8h_max,
        means.loaded_at,
        {{ iaqi("means.pm25_mean", "pm25_24h") }} as iaqi_pm25,
        {{ iaqi("means.pm10_mean", "pm10_24h") }} as iaqi_pm10,
        {{ iaqi("means.so2_mean", "so2_24h") }} as iaqi_so2,
        {{ iaqi("means.no2_mean", "no2_24h") }} as iaqi_no2,
        {{ iaqi("means.co_mean", "co_24h") }} as iaqi_co,
        {{ iaqi("ozone_days.o3_8h_max", "o3_8h") }} as iaqi_o3
    from station_days
    left join means on station_days.station_code = means.station_code and station_days.day = means.day
    left join ozone_days on station_days.station_code = ozone_days.station_code and station_days.day = ozone_days.day

),

rated as (

    select
        *,
        greatest({{ pollutants.values() | join(", ") }}) as aqi
    from indexed

),

final as (

    select
        station_code,
        station_name,
        city_name,
        county_code,
        day,
        extract(year from day)::integer as year,
        hours_expected,
        hours_reported,
        greatest(hours_expected - hours_reported, 0) as hours_missing,
        pm25_mean is not null and aqi is not null as is_valid_day,
        pm25_mean,
        pm10_mean,
        so2_mean,
        no2_mean,
        co_mean,
        o3_8h_max,
        aqi,
        {{ aqi_level("aqi") }} as aqi_level,
        {{ aqi_level_name("aqi") }} as aqi_level_name,
        {{ main_pollutants("aqi", pollutants) }} as main_pollutant,
        case when pm25_mean is not null then aqi <= 100 end as is_good_day,
        longitude,
        latitude,
        loaded_at
    from rated

)

select * from final
