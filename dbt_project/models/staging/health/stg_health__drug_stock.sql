with

source as (

    {{ newest_statement(["health", "drug_stock"], ["hospital_code", "drug_code", "stock_day"]) }}

),

renamed as (

    select
        hospital_code,
        drug_code,
        drug_name,
        unit as counting_unit,
        stock_day,
        stock_units,
        weekly_use,
        days_of_cover,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
