{#- A station that has been dark for ninety days counts no more for what the air is now. -#}
with

days as (

    select * from {{ ref("fct_air_quality_day") }}

),

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

newest as (

    select
        max(year) as year,
        max(loaded_at) as loaded_at
    from days

),

newest_hours as (

    select distinct on (station_code)
        station_code,
        county_code,
        aqi
    from hours
    where aqi is not null
    order by station_code asc, observed_at desc

),

now_by_county as (

    select
        county_code,
        ceil(avg(aqi))::integer as aqi_now
    from newest_hours
    group by county_code

),

years as (

    select
        county_code,
        year,
        count(distinct station_code)::integer as station_count,
        avg(pm25_mean) filter (where is_valid_day) as pm25_year_mean,
        avg(pm10_mean) filter (where is_valid_day) as pm10_year_mean,
        (count(*) filter (where is_valid_day))::integer as valid_days,
        (count(*) filter (where is_good_day))::integer as good_days,
        sum(hours_missing)::integer as hours_missing,
        sum(hours_expected)::integer as hours_expected,
        max(loaded_at) as loaded_at
    from days
    where county_code is not null
    group by county_code, year

),

county_years as (

    select
        county_code,
        year
    from years

    union

    select
        counties.area_code as county_code,
        newest.year
    from counties
    cross join newest
    where newest.year is not null

),

final as (

    select
        county_years.county_code,
        counties.name as county_name,
        county_years.year,
        county_years.year = newest.year as is_latest_year,
        coalesce(years.station_count, 0) as station_count,
        case when county_years.year = newest.year then now_by_county.aqi_now end as aqi_now,
        case
            when county_years.year = newest.year then {{ aqi_level_name("now_by_county.aqi_now") }}
        end as aqi_level_name_now,
        years.pm25_year_mean,
        years.pm10_year_mean,
        coalesce(years.valid_days, 0) as valid_days,
        coalesce(years.good_days, 0) as good_days,
        years.good_days::numeric / nullif(years.valid_days, 0) as good_day_rate,
        coalesce(years.hours_missing, 0) as hours_missing,
        years.hours_missing::numeric / nullif(years.hours_expected, 0) as missing_hour_rate,
        case
            when years.pm25_year_mean is not null
                then (
                    rank() over (partition by county_years.year order by years.pm25_year_mean asc nulls last)
                )::integer
        end as rank_in_city,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        coalesce(years.loaded_at, newest.loaded_at) as data_as_of
    from county_years
    cross join newest
    cross join datasets
    inner join counties on county_years.county_code = counties.area_code
    left join years on county_years.county_code = years.county_code and county_years.year = years.year
    left join now_by_county on county_years.county_code = now_by_county.county_code

)

select * from final
