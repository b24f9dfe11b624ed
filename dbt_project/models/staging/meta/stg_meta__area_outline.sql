with

source as (

    select * from {{ source("meta", "area_outline") }}

),

renamed as (

    select
        area_code,
        name,
        geojson_wgs84::text as geojson,
        centroid_lon as centroid_longitude,
        centroid_lat as centroid_latitude,
        area_km2,
        src_crs,
        batch_id
    from source

)

select * from renamed
