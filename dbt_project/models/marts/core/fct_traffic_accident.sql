{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["accident_code"],
        on_schema_change="fail",
        indexes=[{"columns": ["accident_code"], "unique": true}]
    )
}}

with

delta as (

    select * from {{ ref("stg_traffic_police__accident") }}
    {%- if is_incremental() %}
    where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

),

final as (

    select
        accident_code,
        occurred_at,
        (occurred_at at time zone 'Asia/Shanghai')::date as day,
        county_code,
        area_code,
        longitude,
        latitude,
        accident_kind,
        road_kind,
        coalesce(injured, 0) as injured,
        coalesce(dead, 0) as dead,
        loss_yuan::numeric(18, 4) as loss_yuan,
        object_key,
        loaded_at
    from delta

)

select * from final
