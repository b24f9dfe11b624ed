with

source as (

    {{ every_statement(["commerce", "herb_market_price_day"]) }}

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
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
