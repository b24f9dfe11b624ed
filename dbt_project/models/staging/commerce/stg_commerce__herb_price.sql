with

source as (

    {{ newest_statement(["commerce", "herb_market_price_day"], ["herb_code", "grade", "price_date"]) }}

),

renamed as (

    select
        herb_code,
        herb_name,
        case grade when '统货' then 'common' when '选货' then 'selected' end as grade,
        grade as grade_label,
        price_date as day,
        price_yuan_kg,
        traded_tonnes,
        _loaded_at as loaded_at
    from source

)

select * from renamed
