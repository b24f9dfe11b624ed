{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["hospital_code", "drug_code", "stock_day"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["hospital_code", "drug_code", "stock_day"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

stocks as (

    {{ newest_statements("stg_health__drug_stock", "drug_stock", ["hospital_code", "drug_code", "stock_day"]) }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        stocks.hospital_code,
        counties.area_code as county_code,
        stocks.drug_code,
        stocks.drug_name,
        stocks.counting_unit,
        stocks.stock_day,
        stocks.stock_units,
        stocks.weekly_use,
        stocks.days_of_cover::numeric(18, 4) as days_of_cover,
        stocks.batch_id,
        stocks.line,
        stocks.object_key,
        stocks.loaded_at
    from stocks
    left join counties on substr(stocks.hospital_code, 1, 6) = counties.area_code

)

select * from final
