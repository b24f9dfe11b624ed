with

source as (

    {{ newest_snapshot(["water_affairs", "management_line"]) }}

),

renamed as (

    select
        section_id,
        section_name,
        river_name,
        confirmed_on,
        geometry as geojson,
        _loaded_at as loaded_at
    from source

)

select * from renamed
