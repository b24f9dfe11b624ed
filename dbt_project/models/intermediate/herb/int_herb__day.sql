{#- The herbs of the price index: the common grade's price, and the mean of the grades' indices. -#}
with

prices as (

    select * from {{ ref("fct_herb_price_day") }}

),

herbs as (

    select * from {{ ref("herb") }}

),

final as (

    select
        prices.herb_code,
        herbs.herb_name,
        herbs.is_local,
        herbs.weight,
        prices.day,
        max(prices.price_yuan_kg) filter (where prices.grade = 'common') as price_yuan_kg,
        avg(prices.price_index) as price_index,
        sum(prices.traded_tonnes) as traded_tonnes,
        max(prices.loaded_at) as loaded_at
    from prices
    inner join herbs on prices.herb_code = herbs.herb_code
    group by prices.herb_code, herbs.herb_name, herbs.is_local, herbs.weight, prices.day

)

select * from final
