with

source as (

    {{ newest_snapshot(["urban_management", "unit_grid"]) }}

),

renamed as (

    select
        grid_code,
        grid_name,
        village_code as area_code,
        grid_kind,
        area_m2::double precision as area_m2,
        centre_lon::double precision as longitude,
        centre_lat::double precision as latitude,
        worker_team,
        since,
        geometry as geojson,
        _loaded_at as loaded_at
    from source

)

select * from renamed
