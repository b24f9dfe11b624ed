{#-
    A camera stands in the community of its compound. One that watches a street or a square has no compound: its community is that of
    the nearest unit grid within ten kilometres, its county the one around it, or else the one its id begins with.
-#}
{{ config(indexes=[{"columns": ["camera_id"], "unique": true}]) }}

with

cameras as (

    select * from {{ ref("stg_fire_rescue__camera") }}

),

compounds as (

    select * from {{ ref("dim_compound") }}

),

grids as (

    select * from {{ ref("dim_grid") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

-- only cameras without a compound look for a grid
placed as (

    select
        cameras.*,
        compounds.compound_id as known_compound_id,
        compounds.connected,
        coalesce(compounds.area_code, nearest.village_code) as area_code,
        coalesce(
            compounds.county_code,
            nearest.county_code,
            {{ county_around("cameras.lon", "cameras.lat") }},
            substr(cameras.camera_id, 1, 6)
        ) as county_code
    from cameras
    left join compounds on cameras.compound_id = compounds.compound_id
    left join lateral (
        select
            grids.village_code,
            grids.county_code
        from grids
        where
            compounds.compound_id is null
            and {{ haversine_km("cameras.lon", "cameras.lat", "grids.longitude", "grids.latitude") }} <= 10
        order by {{ haversine_km("cameras.lon", "cameras.lat", "grids.longitude", "grids.latitude") }}, grids.grid_code
        limit 1
    ) as nearest on true

),

final as (

    select
        placed.camera_id,
        placed.camera_name,
        placed.known_compound_id as compound_id,
        placed.scenario,
        placed.area_code,
        placed.county_code,
        placed.lon::numeric(9, 6) as lon,
        placed.lat::numeric(9, 6) as lat,
        placed.snapshot_url,
        placed.owner_department,
        -- a compound that is not connected has no picture to look at
        placed.enabled and coalesce(placed.connected, true) as enabled,
        datasets.origin,
        placed.loaded_at
    from placed
    inner join datasets on datasets.dataset = 'camera_register'

)

select * from final
