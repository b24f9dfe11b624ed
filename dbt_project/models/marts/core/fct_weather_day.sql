{#- Classes of rain in 24 hours: GB/T 28592-2012. The forecast is the last one issued before the day began. -#}
with

days as (

    select * from {{ ref("stg_meteorology__weather_day") }}

),

forecasts as (

    select distinct on (county_code, day)
        county_code,
        day,
        issued_at,
        rain_mm,
        temp_max_c,
        temp_min_c,
        wind_max_ms
    from {{ ref("stg_meteorology__weather_forecast") }}
    where issued_at < day::timestamp at time zone 'Asia/Shanghai'
    order by county_code asc, day asc, issued_at desc

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        days.county_code,
        days.day,
        days.rain_mm::numeric(18, 4) as rain_mm,
        case
            when days.rain_mm < 0.1 then '无降水'
            when days.rain_mm < 10 then '小雨'
            when days.rain_mm < 25 then '中雨'
            when days.rain_mm < 50 then '大雨'
            when days.rain_mm < 100 then '暴雨'
            when days.rain_mm < 250 then '大暴雨'
            when days.rain_mm >= 250 then '特大暴雨'
        end as rain_class_name,
        days.rain_mm >= 50 as is_rainstorm,
        days.temp_max_c::numeric(18, 4) as temp_max_c,
        days.temp_min_c::numeric(18, 4) as temp_min_c,
        days.wind_max_ms::numeric(18, 4) as wind_max_ms,
        days.humidity_pct::numeric(18, 4) as humidity_pct,
        days.quality = '0' as is_checked,
        forecasts.issued_at as forecast_issued_at,
        forecasts.rain_mm::numeric(18, 4) as forecast_rain_mm,
        forecasts.temp_max_c::numeric(18, 4) as forecast_temp_max_c,
        forecasts.temp_min_c::numeric(18, 4) as forecast_temp_min_c,
        forecasts.wind_max_ms::numeric(18, 4) as forecast_wind_max_ms,
        datasets.origin,
        days.object_key,
        days.loaded_at
    from days
    inner join datasets on datasets.dataset = 'weather_day'
    left join forecasts on days.county_code = forecasts.county_code and days.day = forecasts.day

)

select * from final
