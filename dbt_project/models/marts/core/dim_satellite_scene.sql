{{ config(indexes=[{"columns": ["scene_id"], "unique": true}]) }}

with

scenes as (

    select * from {{ ref("stg_natural_resources__satellite_scene") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        scenes.scene_id,
        scenes.acquired_at,
        date_trunc('quarter', scenes.acquired_at at time zone 'Asia/Shanghai')::date as quarter_start,
        scenes.platform,
        {{ county_around("(scenes.west + scenes.east) / 2", "(scenes.south + scenes.north) / 2") }} as county_code,
        scenes.crs,
        scenes.west::numeric(9, 6) as west,
        scenes.south::numeric(9, 6) as south,
        scenes.east::numeric(9, 6) as east,
        scenes.north::numeric(9, 6) as north,
        scenes.width,
        scenes.height,
        scenes.resolution_m::numeric(9, 2) as resolution_m,
        scenes.cloud_share::numeric(5, 4) as cloud_share,
        scenes.nodata_share::numeric(5, 4) as nodata_share,
        ((1 - scenes.nodata_share) * (1 - coalesce(scenes.cloud_share, 1)))::numeric(5, 4) as clear_share,
        scenes.ndvi_mean::numeric(5, 4) as ndvi_mean,
        datasets.origin,
        scenes.object_key,
        scenes.loaded_at
    from scenes
    inner join datasets on datasets.dataset = 'satellite_scene'

)

select * from final
