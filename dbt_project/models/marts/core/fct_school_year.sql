{{ config(indexes=[{"columns": ["school_code", "school_year"], "unique": true}]) }}

with

years as (

    select * from {{ ref("stg_education__school_year") }}

),

schools as (

    select * from {{ ref("stg_education__school") }}

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level = 'township'

),

final as (

    select
        years.school_code,
        schools.school_name,
        schools.township_code,
        areas.county_code,
        schools.stage,
        years.school_year,
        years.seats,
        years.pupils,
        years.teachers,
        years.loaded_at
    from years
    inner join schools on years.school_code = schools.school_code
    left join areas on schools.township_code = areas.area_code

)

select * from final
