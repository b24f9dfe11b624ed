with

source as (

    {{ every_statement(["health", "drug_stock"]) }}

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
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
