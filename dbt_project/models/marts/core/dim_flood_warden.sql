{{ config(indexes=[{"columns": ["warden_id"], "unique": true}]) }}

with

wardens as (

    select * from {{ ref("stg_flood_control__flood_point") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

final as (

    select
        wardens.point_id,
        wardens.warden_id,
        wardens.warden_role,
        wardens.shift,
        wardens.point_name,
        wardens.device_id,
        villages.county_code,
        wardens.loaded_at
    from wardens
    inner join villages on wardens.area_code = villages.area_code

)

select * from final
