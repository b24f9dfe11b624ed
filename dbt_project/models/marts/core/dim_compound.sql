{{ config(indexes=[{"columns": ["compound_id"], "unique": true}]) }}

with

compounds as (

    select * from {{ ref("stg_housing_construction__compound") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

final as (

    select
        compounds.compound_id,
        compounds.compound_name,
        compounds.area_code,
        villages.county_code,
        compounds.community_name,
        compounds.property_company_id,
        compounds.property_company_name,
        compounds.connected,
        compounds.lon::numeric(9, 6) as lon,
        compounds.lat::numeric(9, 6) as lat,
        datasets.origin,
        compounds.loaded_at
    from compounds
    inner join villages on compounds.area_code = villages.area_code
    inner join datasets on datasets.dataset = 'compound_register'

)

select * from final
