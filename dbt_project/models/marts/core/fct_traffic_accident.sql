{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["accident_code"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["accident_code"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

delta as (

    {{ newest_statements("stg_traffic_police__accident", "traffic_accident", ["accident_code"]) }}

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
        batch_id,
        line,
        object_key,
        loaded_at
    from delta

)

select * from final
