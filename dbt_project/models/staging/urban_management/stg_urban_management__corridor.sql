with

source as (

    {{ newest_snapshot(["urban_management", "fleet_corridor"]) }}

),

renamed as (

    select
        corridor_code,
        corridor_kind,
        corridor_name,
        county_code,
        permitted_from::time as permitted_from,
        permitted_until::time as permitted_until,
        length_km,
        geometry as geojson,
        _loaded_at as loaded_at
    from source

)

select * from renamed
