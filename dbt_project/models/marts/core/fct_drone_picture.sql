{{ config(indexes=[{"columns": ["picture_id"], "unique": true}]) }}

with

pictures as (

    select * from {{ ref("stg_water_affairs__drone_picture") }}

),

lines as (

    select * from {{ ref("dim_management_line") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        pictures.picture_id,
        lines.section_id,
        lines.county_code,
        pictures.taken_at,
        pictures.longitude::numeric(9, 6) as longitude,
        pictures.latitude::numeric(9, 6) as latitude,
        pictures.height_m::numeric(6, 1) as height_m,
        pictures.object_name,
        pictures.sha256,
        pictures.width,
        pictures.height,
        datasets.origin,
        pictures.loaded_at
    from pictures
    -- a section that the newest lines no longer have leaves its pictures without one
    left join lines on pictures.section_id = lines.section_id
    inner join datasets on datasets.dataset = 'drone_picture'

)

select * from final
