{#- A station that has been dark for ninety days is shown no more. -#}
with

hours as (

    select every.*
    from {{ ref("fct_air_quality_hour") }} as every
    where every.observed_at > (select max(newest.observed_at) - interval '90 days' from {{ ref("fct_air_quality_hour") }} as newest)

),

days as (

    select
        *,
        max(year) over () as newest_year
    from {{ ref("fct_air_quality_day") }}

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

    select
        hours.*,
        max(hours.observed_at) over () as newest_at
    from hours
    where {{ in_this_city("hours") }}

),

newest_hours as (

    select distinct on (station_code)
        *,
        (extract(epoch from newest_at - observed_at) / 3600)::integer as hours_behind
    from city_hours
    where pollutants_reported > 0
    order by station_code asc, observed_at desc

),

last_24 as (

    select
        station_code,
        greatest(24 - count(*) filter (where pollutants_reported > 0), 0)::integer as hours_missing_24h
    from city_hours
    where observed_at > newest_at - interval '24 hours'
    group by station_code

),

years as (

    select
        station_code,
        avg(pm25_mean) as pm25_year_mean,
        avg(is_good_day::integer) as good_day_rate
    from days
    where is_valid_day and year = newest_year
    group by station_code

),

judged as (

    select
        newest_hours.*,
        coalesce(last_24.hours_missing_24h, 24) as hours_missing_24h,
        years.pm25_year_mean,
        years.good_day_rate,
        nullif(concat_ws(
            '；',
            case when newest_hours.aqi > 150 then newest_hours.aqi_level_name end,
            case when newest_hours.hours_behind >= 3 then '数据中断 ' || newest_hours.hours_behind || ' 小时' end,
            case
                when coalesce(last_24.hours_missing_24h, 24) >= 6
                    then '近24小时缺测 ' || coalesce(last_24.hours_missing_24h, 24) || ' 小时'
            end
        ), '') as attention_reason
    from newest_hours
    left join last_24 on newest_hours.station_code = last_24.station_code
    left join years on newest_hours.station_code = years.station_code

),

final as (

    select
        judged.station_code,
        judged.station_name,
        judged.county_code,
        counties.name as county_name,
        judged.observed_at,
        judged.hours_behind,
        judged.aqi,
        judged.aqi_level,
        judged.aqi_level_name,
        judged.main_pollutant,
        judged.pm25,
        judged.pm10,
        judged.so2,
        judged.no2,
        judged.co,
        judged.o3,
        case
            when judged.aqi is not null then (rank() over (order by judged.aqi asc nulls last))::integer
        end as rank_in_city,
        judged.hours_missing_24h,
        judged.pm25_year_mean,
        judged.good_day_rate,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        judged.longitude,
        judged.latitude,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets
    left join counties on judged.county_code = counties.area_code

)

select * from final
