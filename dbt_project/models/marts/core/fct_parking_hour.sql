{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["lot_code", "hour_start"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["lot_code", "hour_start"], "unique": true},
            {"columns": ["hour_start"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

delta as (

    {{ newest_statements("stg_urban_management__parking_hour", "parking_lot_hour", ["lot_code", "hour_start"]) }}

),

final as (

    select
        lot_code,
        -- a lot's code begins with the code of its county
        substr(lot_code, 1, 6) as county_code,
        hour_start,
        berths,
        free_berths,
        entries,
        batch_id,
        line,
        object_key,
        loaded_at
    from delta

)

select * from final
