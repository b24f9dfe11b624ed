{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["lot_code", "hour_start"],
        on_schema_change="fail",
        indexes=[{"columns": ["lot_code", "hour_start"], "unique": true}]
    )
}}

with

delta as (

    select * from {{ ref("stg_urban_management__parking_hour") }}
    {%- if is_incremental() %}
    where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

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
        object_key,
        loaded_at
    from delta

)

select * from final
