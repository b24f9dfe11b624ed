with

grids as (

    select * from {{ ref("stg_urban_management__unit_grid") }}

),

villages as (

    select * from {{ ref("dim_area") }}
    where area_level = 'village'

),

final as (

    select
        grids.grid_code,
        grids.grid_name,
        grids.area_code as village_code,
        villages.name as village_name,
        villages.parent_code as township_code,
        villages.county_code,
        grids.grid_kind,
        grids.area_m2 / 1000000 as area_km2,
        grids.longitude,
        grids.latitude,
        grids.worker_team,
        grids.since,
        grids.geojson,
        grids.loaded_at
    from grids
    inner join villages on grids.area_code = villages.area_code

)

select * from final
