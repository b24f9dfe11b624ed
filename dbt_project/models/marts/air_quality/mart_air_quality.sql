with

days as (

    select * from {{ ref("fct_air_quality_day") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'air_quality_hour'

),

final as (

    select
        days.station_code,
        days.station_name,
        days.county_code,
        counties.name as county_name,
        days.day,
        days.year,
        days.year = max(days.year) over () as is_latest_year,
        days.is_valid_day,
        days.hours_expected,
        days.hours_reported,
        days.hours_missing,
        days.aqi,
        days.aqi_level,
        days.aqi_level_name,
        days.main_pollutant,
        days.is_good_day,
        days.pm25_mean,
        days.pm10_mean,
        days.so2_mean,
        days.no2_mean,
        days.co_mean,
        days.o3_8h_max,
        days.longitude,
        days.latitude,
        datasets.origin,
        datasets.origin_label,
        coalesce(days.loaded_at, max(days.loaded_at) over (partition by days.station_code)) as data_as_of
    from days
    cross join datasets
    left join counties on days.county_code = counties.area_code
    where {{ in_this_city("days") }}

)

select * from final
