with

source as (

    {{ every_statement(["transport", "vehicle_track"]) }}

),

renamed as (

    select
        vehicle_code,
        observed_at,
        (observed_at at time zone 'Asia/Shanghai')::date as day,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        speed_kmh::double precision as speed_kmh,
        engine_on,
        _source_version as source_version,
        _batch_id as batch_id,
        _line as line,
        _loaded_at as loaded_at
    from source

)

select * from renamed
