with

source as (

    {{ every_statement(["ecology_environment", "air_quality_hour"]) }}

),

renamed as (

    select
        station_code,
        station_name,
        city_name,
        -- the network publishes Beijing time without a zone
        observed_at at time zone 'Asia/Shanghai' as observed_at,
        aqi as aqi_published,
        primary_pollutant as main_pollutant_published,
        pm25,
        pm10,
        so2,
        no2,
        co,
        o3,
        o3_8h,
        (geometry::jsonb #>> '{coordinates,0}')::double precision as longitude,
        (geometry::jsonb #>> '{coordinates,1}')::double precision as latitude,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
