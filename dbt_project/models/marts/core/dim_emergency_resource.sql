{{ config(indexes=[{"columns": ["resource_code"], "unique": true}]) }}

with

teams as (

    select * from {{ ref("stg_emergency_management__team") }}

),

stock as (

    select * from {{ ref("stg_emergency_management__store_stock") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

resources as (

    select
        team_code as resource_code,
        'team' as resource_kind,
        team_name as resource_name,
        team_kind as what,
        county_code,
        area_code,
        longitude,
        latitude,
        1 as quantity,
        '支' as unit,
        is_on_call,
        'emergency_team' as dataset,
        loaded_at
    from teams

    union all

    select
        store_code || '/' || item as resource_code,
        'stock' as resource_kind,
        store_name || item as resource_name,
        item as what,
        county_code,
        area_code,
        longitude,
        latitude,
        quantity,
        unit,
        true as is_on_call,
        'emergency_store' as dataset,
        loaded_at
    from stock

),

final as (

    select
        resources.resource_code,
        resources.resource_kind,
        resources.resource_name,
        resources.what,
        resources.county_code,
        resources.area_code,
        resources.longitude::numeric(9, 6) as lon,
        resources.latitude::numeric(9, 6) as lat,
        resources.quantity::integer as quantity,
        resources.unit,
        resources.is_on_call,
        datasets.origin,
        resources.loaded_at
    from resources
    inner join datasets on resources.dataset = datasets.dataset

)

select * from final
