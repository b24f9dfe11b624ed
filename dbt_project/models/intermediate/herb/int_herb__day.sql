{#-
    The herbs of the price index: the common grade's price, and the mean of the grades' indices, over the days that people look at. The
    mean of a herb and grade on the market's first thirty days is 100.
-#}
with

prices as (

    select every.*
    from {{ ref("fct_herb_price_day") }} as every
    where every.day > (select max(newest.day) - {{ var("herb_days") }} from {{ ref("fct_herb_price_day") }} as newest)

),

bases as (

    select
        first_days.herb_code,
        first_days.grade,
        avg(first_days.price_yuan_kg) as base_yuan_kg
    from {{ ref("fct_herb_price_day") }} as first_days
    where first_days.day < (select min(oldest.day) + 30 from {{ ref("fct_herb_price_day") }} as oldest)
    group by first_days.herb_code, first_days.grade

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
        avg((100 * prices.price_yuan_kg / bases.base_yuan_kg)::numeric(18, 4)) as price_index,
        sum(prices.traded_tonnes) as traded_tonnes,
        max(prices.loaded_at) as loaded_at
    from prices
    inner join herbs on prices.herb_code = herbs.herb_code
    left join bases on prices.herb_code = bases.herb_code and prices.grade = bases.grade
    group by prices.herb_code, herbs.herb_name, herbs.is_local, herbs.weight, prices.day

)

select * from final
