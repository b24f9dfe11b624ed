{{ config(indexes=[{"columns": ["county_code", "day"], "unique": true}]) }}

with

forecasts as (

    select
        *,
        max(issued_at) over (partition by county_code) as newest_at
    from {{ ref("stg_meteorology__weather_forecast") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        forecasts.day,
        forecasts.issued_at,
        forecasts.rain_mm::numeric(18, 4) as rain_mm,
        forecasts.loaded_at
    from forecasts
    inner join counties on forecasts.county_code = counties.area_code
    where
        forecasts.issued_at = forecasts.newest_at
        and forecasts.day >= (forecasts.issued_at at time zone 'Asia/Shanghai')::date

)

select * from final
