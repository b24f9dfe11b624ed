{{ config(indexes=[{"columns": ["uscc"]}]) }}

with

versions as (

    select * from {{ ref("snap_enterprise_register") }}

),

divisions as (

    select * from {{ ref("industry_division") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

townships as (

    select * from {{ ref("stg_civil_affairs__township") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        versions.dbt_scd_id as enterprise_version_id,
        versions.uscc,
        versions.enterprise_name,
        versions.entity_kind,
        versions.industry_code,
        divisions.section_code,
        coalesce(divisions.section_name, '未分类') as section_name,
        divisions.division_code,
        coalesce(divisions.division_name, '未分类') as division_name,
        versions.status,
        versions.established_on,
        versions.closed_on,
        versions.registered_capital_wan,
        versions.village_code,
        townships.area_code as township_code,
        townships.name as township_name,
        counties.area_code as county_code,
        counties.name as county_name,
        versions.address,
        versions.register_date,
        versions.dbt_valid_from as valid_from,
        versions.dbt_valid_to as valid_to,
        versions.dbt_valid_to is null as is_current,
        versions.loaded_at
    from versions
    left join divisions on substr(versions.industry_code, 1, 2) = divisions.division_code
    left join villages on versions.village_code = villages.area_code
    left join townships on villages.parent_code = townships.area_code
    left join counties on villages.county_code = counties.area_code

)

select * from final
