with

source as (

    {{ newest_statement(["human_resources", "enterprise_labour_year"], ["uscc", "year"]) }}

),

renamed as (

    select
        uscc,
        year as fact_year,
        staff_count,
        insured_count,
        layoff_count,
        arrears_months,
        _loaded_at as loaded_at
    from source

)

select * from renamed
