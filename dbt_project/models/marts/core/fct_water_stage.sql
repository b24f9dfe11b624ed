{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["gauge_code", "observed_at"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["gauge_code", "observed_at"], "unique": true},
            {"columns": ["observed_at"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

readings as (

    {{ newest_statements("stg_water_affairs__water_stage", "water_stage", ["gauge_code", "observed_at"]) }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        readings.gauge_code,
        -- a gauge's code begins with the code of its county
        counties.area_code as county_code,
        readings.observed_at,
        readings.stage_m::numeric(18, 4) as stage_m,
        readings.discharge_m3s::numeric(18, 4) as discharge_m3s,
        readings.quality_flag,
        readings.batch_id,
        readings.line,
        readings.object_key,
        readings.loaded_at
    from readings
    left join counties on substr(readings.gauge_code, 1, 6) = counties.area_code

)

select * from final
