with

source as (

    {{ newest_statement(["water_affairs", "drone_picture"], ["picture_id"]) }}

),

renamed as (

    select
        picture_id,
        section_id,
        taken_at,
        longitude,
        latitude,
        height_m,
        object_name,
        sha256,
        width,
        height,
        _loaded_at as loaded_at
    from source

)

select * from renamed
