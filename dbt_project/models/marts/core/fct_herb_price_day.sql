{#- Base of the index: the mean price of the herb and grade on the market's first thirty days is 100. -#}
{{ config(indexes=[{"columns": ["herb_code", "grade", "day"], "unique": true}]) }}

with

prices as (

    select * from {{ ref("stg_commerce__herb_price") }}

),

first_day as (

    select min(day) as day from prices

),

bases as (

    select
        prices.herb_code,
        prices.grade,
        avg(prices.price_yuan_kg) as base_yuan_kg
    from prices
    cross join first_day
    where prices.day < first_day.day + 30
    group by prices.herb_code, prices.grade

),

final as (

    select
        prices.herb_code,
        prices.herb_name,
        prices.grade,
        prices.grade_label,
        prices.day,
        prices.price_yuan_kg::numeric(18, 2) as price_yuan_kg,
        bases.base_yuan_kg::numeric(18, 4) as base_yuan_kg,
        (100 * prices.price_yuan_kg / bases.base_yuan_kg)::numeric(18, 4) as price_index,
        prices.traded_tonnes::numeric(18, 2) as traded_tonnes,
        prices.loaded_at
    from prices
    left join bases on prices.herb_code = bases.herb_code and prices.grade = bases.grade

)

select * from final
