{{ config(indexes=[{"columns": ["corridor_code"], "unique": true}]) }}

with

corridors as (

    select * from {{ ref("stg_urban_management__corridor") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        corridors.corridor_code,
        corridors.corridor_kind,
        corridors.corridor_name,
        counties.area_code as county_code,
        corridors.permitted_from,
        corridors.permitted_until,
        corridors.geojson,
        corridors.loaded_at
    from corridors
    left join counties on corridors.county_code = counties.area_code

)

select * from final
