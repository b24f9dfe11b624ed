with

herbs as (

    select * from {{ ref("int_herb__day") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'herb_market_price_day'

),

final as (

    select
        herbs.herb_code,
        herbs.herb_name,
        herbs.is_local,
        herbs.day,
        null::text as county_code,
        herbs.price_yuan_kg,
        herbs.price_index::numeric(18, 2) as price_index,
        herbs.traded_tonnes::numeric(18, 2) as traded_tonnes,
        datasets.origin,
        datasets.origin_label,
        herbs.loaded_at as data_as_of
    from herbs
    cross join datasets

)

select * from final
