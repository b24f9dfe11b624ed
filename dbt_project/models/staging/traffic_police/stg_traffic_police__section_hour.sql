with

source as (

    {{ newest_statement(["traffic_police", "road_section_index"], ["section_code", "hour_start"]) }}

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
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
