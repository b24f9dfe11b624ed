{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["hospital_code", "service_day"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["hospital_code", "service_day"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

days as (

    {{ newest_statements("stg_health__hospital_day", "hospital_day", ["hospital_code", "service_day"]) }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        days.hospital_code,
        -- a hospital's code begins with the code of its county
        counties.area_code as county_code,
        days.service_day,
        days.outpatients,
        days.inpatients,
        days.pay_later_uses,
        days.batch_id,
        days.line,
        days.object_key,
        days.loaded_at
    from days
    left join counties on substr(days.hospital_code, 1, 6) = counties.area_code

)

select * from final
