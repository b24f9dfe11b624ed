{{ config(indexes=[{"columns": ["warden_id"], "unique": true}, {"columns": ["point_id"]}]) }}

with

wardens as (

    select * from {{ ref("stg_flood_control__flood_point") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        wardens.warden_id,
        wardens.point_id,
        wardens.point_name,
        wardens.area_code,
        villages.county_code,
        wardens.lon::numeric(9, 6) as lon,
        wardens.lat::numeric(9, 6) as lat,
        wardens.device_id,
        wardens.warden_role,
        wardens.shift,
        datasets.origin,
        wardens.loaded_at
    from wardens
    inner join villages on wardens.area_code = villages.area_code
    inner join datasets on datasets.dataset = 'flood_point'

)

select * from final
