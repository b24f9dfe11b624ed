{{ config(indexes=[{"columns": ["camera_id"], "unique": true}]) }}

with

cameras as (

    select * from {{ ref("stg_fire_rescue__camera") }}

),

compounds as (

    select * from {{ ref("dim_compound") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        cameras.camera_id,
        cameras.camera_name,
        cameras.compound_id,
        cameras.scenario,
        compounds.area_code,
        compounds.county_code,
        cameras.lon::numeric(9, 6) as lon,
        cameras.lat::numeric(9, 6) as lat,
        cameras.snapshot_url,
        cameras.owner_department,
        -- a compound that is not connected has no picture to look at
        cameras.enabled and compounds.connected as enabled,
        datasets.origin,
        cameras.loaded_at
    from cameras
    inner join compounds on cameras.compound_id = compounds.compound_id
    inner join datasets on datasets.dataset = 'camera_register'

)

select * from final
