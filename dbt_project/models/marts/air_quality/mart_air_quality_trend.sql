{#- A station that has been dark for ninety days is shown no more. -#}
with

hours as (

    select every.*
    from {{ ref("fct_air_quality_hour") }} as every
    where every.observed_at > (select max(newest.observed_at) - interval '90 days' from {{ ref("fct_air_quality_hour") }} as newest)

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'air_quality_hour'

),

city_hours as (

    select hours.*
    from hours
    where {{ in_this_city("hours") }}

),

newest as (

    select
        max(observed_at) as observed_at,
        max(loaded_at) as loaded_at
    from city_hours

),

stations as (

    select distinct on (station_code)
        station_code,
        station_name,
        county_code,
        min(observed_at) over (partition by station_code) as first_at
    from city_hours
    order by station_code asc, observed_at desc

),

station_hours as (

    select
        stations.station_code,
        stations.station_name,
        stations.county_code,
        series.observed_at,
        newest.loaded_at as newest_loaded_at
    from stations
    cross join newest
    cross join lateral generate_series(
        greatest(newest.observed_at - interval '719 hours', stations.first_at), newest.observed_at, interval '1 hour'
    ) as series (observed_at)

),

final as (

    select
        station_hours.station_code,
        station_hours.station_name,
        station_hours.county_code,
        counties.name as county_name,
        station_hours.observed_at,
        coalesce(city_hours.pollutants_reported, 0) = 0 as is_missing,
        city_hours.aqi,
        city_hours.aqi_level,
        city_hours.aqi_level_name,
        city_hours.main_pollutant,
        city_hours.pm25,
        city_hours.pm10,
        city_hours.so2,
        city_hours.no2,
        city_hours.co,
        city_hours.o3,
        datasets.origin,
        datasets.origin_label,
        coalesce(city_hours.loaded_at, station_hours.newest_loaded_at) as data_as_of
    from station_hours
    cross join datasets
    left join
        city_hours
        on station_hours.station_code = city_hours.station_code and station_hours.observed_at = city_hours.observed_at
    left join counties on station_hours.county_code = counties.area_code

)

select * from final
