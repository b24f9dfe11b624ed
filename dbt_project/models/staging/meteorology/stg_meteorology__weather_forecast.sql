with

source as (

    {{ newest_statement(["meteorology", "weather_forecast"], ["county_code", "issued_at", "forecast_for"]) }}

),

renamed as (

    select
        county_code,
        issued_at,
        forecast_for as day,
        rain_mm,
        temp_max_c,
        temp_min_c,
        wind_max_ms,
        _loaded_at as loaded_at
    from source

)

select * from renamed
