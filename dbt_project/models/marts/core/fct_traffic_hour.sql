{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["section_code", "hour_start"],
        on_schema_change="fail",
        indexes=[{"columns": ["section_code", "hour_start"], "unique": true}]
    )
}}

with

delta as (

    select * from {{ ref("stg_traffic_police__section_hour") }}
    {%- if is_incremental() %}
    where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

),

final as (

    select
        section_code,
        section_name,
        county_code,
        hour_start,
        length_km::numeric(18, 4) as length_km,
        congestion_index::numeric(18, 4) as congestion_index,
        mean_speed_kmh::numeric(18, 4) as mean_speed_kmh,
        object_key,
        loaded_at
    from delta

)

select * from final
