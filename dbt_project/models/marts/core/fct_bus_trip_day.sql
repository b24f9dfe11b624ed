{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["line_code", "service_day"],
        on_schema_change="fail",
        indexes=[{"columns": ["line_code", "service_day"], "unique": true}]
    )
}}

with

delta as (

    select * from {{ ref("stg_transport__bus_day") }}
    {%- if is_incremental() %}
    where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

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
        object_key,
        loaded_at
    from delta

)

select * from final
