{{ config(indexes=[{"columns": ["permit_no"], "unique": true}]) }}

with

permits as (

    select * from {{ ref("stg_natural_resources__building_permit") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        permits.permit_no,
        permits.permit_kind,
        permits.project_code,
        permits.project_name,
        counties.area_code as county_code,
        counties.name as county_name,
        permits.land_area_m2::numeric(18, 2) as land_area_m2,
        permits.valid_from,
        permits.valid_until,
        permits.geojson,
        permits.loaded_at
    from permits
    left join counties on permits.county_code = counties.area_code

)

select * from final
