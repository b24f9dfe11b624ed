with

source as (

    {{ every_statement(["traffic_police", "road_section_index"]) }}

),

renamed as (

    select
        section_code,
        section_name,
        county_code,
        length_km,
        hour_start,
        congestion_index,
        mean_speed_kmh,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
