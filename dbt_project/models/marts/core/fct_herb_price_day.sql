{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["herb_code", "grade", "day"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["herb_code", "grade", "day"], "unique": true},
            {"columns": ["day"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

with

prices as (

    {{ newest_statements("stg_commerce__herb_price", "herb_market_price_day", ["herb_code", "grade", "day"]) }}

),

final as (

    select
        herb_code,
        herb_name,
        grade,
        grade_label,
        day,
        price_yuan_kg::numeric(18, 2) as price_yuan_kg,
        traded_tonnes::numeric(18, 2) as traded_tonnes,
        batch_id,
        line,
        object_key,
        loaded_at
    from prices

)

select * from final
