{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["call_day", "system_code", "capability"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["call_day", "system_code", "capability"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

calls as (

    {{ newest_statements("stg_data_resources__capability_call", "capability_call_day", ["call_day", "system_code", "capability"]) }}

),

final as (

    select
        calls.call_day,
        calls.system_code,
        calls.capability,
        calls.calls,
        calls.failed_calls,
        calls.mean_ms,
        calls.batch_id,
        calls.line,
        calls.object_key,
        calls.loaded_at
    from calls

)

select * from final
