with

source as (

    {{ newest_statement(["meteorology", "weather_day"], ["county_code", "observed_on"]) }}

),

renamed as (

    select
        county_code,
        observed_on as day,
        rain_mm,
        temp_max_c,
        temp_min_c,
        wind_max_ms,
        humidity_pct,
        quality,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
