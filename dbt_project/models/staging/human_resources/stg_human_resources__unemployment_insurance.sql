with

source as (

    {{ newest_statement(["human_resources", "unemployment_insurance_year"], ["uscc", "year"]) }}

),

renamed as (

    select
        uscc,
        year as insurance_year,
        insured_months,
        ui_paid_yuan,
        graduates_3_months,
        graduates_6_months,
        _loaded_at as loaded_at
    from source

)

select * from renamed
