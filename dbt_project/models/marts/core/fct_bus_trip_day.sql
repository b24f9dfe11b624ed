{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["line_code", "service_day"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["line_code", "service_day"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

delta as (

    {{ newest_statements("stg_transport__bus_day", "bus_trip_day", ["line_code", "service_day"]) }}

),

final as (

    select
        line_code,
        line_name,
        county_code,
        service_day,
        trips_planned,
        trips_run,
        trips_on_time,
        passengers,
        batch_id,
        line,
        object_key,
        loaded_at
    from delta

)

select * from final
