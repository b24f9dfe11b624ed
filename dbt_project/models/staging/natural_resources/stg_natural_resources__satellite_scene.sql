with

source as (

    {{ newest_statement(["natural_resources", "satellite_scene"], ["scene_id"]) }}

),

renamed as (

    select
        scene_id,
        acquired_at,
        platform,
        crs,
        west,
        south,
        east,
        north,
        width,
        height,
        resolution_m,
        cloud_share,
        nodata_share,
        ndvi_mean,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
