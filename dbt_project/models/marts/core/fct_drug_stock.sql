{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["hospital_code", "drug_code", "stock_day"],
        on_schema_change="fail",
        indexes=[{"columns": ["hospital_code", "drug_code", "stock_day"], "unique": true}]
    )
}}

with

stocks as (

    select * from {{ ref("stg_health__drug_stock") }}

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
        stocks.object_key,
        stocks.loaded_at
    from stocks
    left join counties on substr(stocks.hospital_code, 1, 6) = counties.area_code
    {%- if is_incremental() %}
    where stocks.loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

)

select * from final
