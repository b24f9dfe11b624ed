{{ config(indexes=[{"columns": ["section_id"], "unique": true}]) }}

with

lines as (

    select * from {{ ref("stg_water_affairs__management_line") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        lines.section_id,
        lines.section_name,
        lines.river_name,
        -- a section's id begins with the code of its county
        counties.area_code as county_code,
        lines.confirmed_on,
        lines.geojson,
        datasets.origin,
        lines.loaded_at
    from lines
    left join counties on substr(lines.section_id, 1, 6) = counties.area_code
    inner join datasets on datasets.dataset = 'management_line'

)

select * from final
