{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["call_day", "system_code", "capability"],
        on_schema_change="fail",
        indexes=[{"columns": ["call_day", "system_code", "capability"], "unique": true}]
    )
}}

with

calls as (

    select * from {{ ref("stg_data_resources__capability_call") }}

),

final as (

    select
        calls.call_day,
        calls.system_code,
        calls.capability,
        calls.calls,
        calls.failed_calls,
        calls.mean_ms,
        calls.object_key,
        calls.loaded_at
    from calls
    {%- if is_incremental() %}
    where calls.loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

)

select * from final
