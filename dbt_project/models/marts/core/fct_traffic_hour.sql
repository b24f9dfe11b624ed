{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["section_code", "hour_start"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["section_code", "hour_start"], "unique": true},
            {"columns": ["hour_start"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

delta as (

    {{ newest_statements("stg_traffic_police__section_hour", "road_section_index", ["section_code", "hour_start"]) }}

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
        batch_id,
        line,
        object_key,
        loaded_at
    from delta

)

select * from final
