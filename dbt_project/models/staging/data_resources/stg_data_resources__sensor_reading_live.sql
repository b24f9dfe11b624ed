with

source as (

    {{ newest_statement(["data_resources", "sensor_reading_live"], ["device_id", "metric", "observed_at"]) }}

),

renamed as (

    select
        device_id,
        device_kind,
        metric,
        observed_at,
        value,
        quality,
        seq,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
