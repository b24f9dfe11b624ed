with

source as (

    {{ every_statement(["traffic_police", "traffic_accident"]) }}

),

renamed as (

    select
        accident_code,
        -- as the police write it: Beijing time without a zone
        occurred_at at time zone 'Asia/Shanghai' as occurred_at,
        county_code,
        village_code as area_code,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        accident_kind,
        road_kind,
        injured,
        dead,
        loss_yuan,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
