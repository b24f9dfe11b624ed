with

source as (

    {{ newest_statement(["taxation", "enterprise_tax_year"], ["uscc", "tax_year"]) }}

),

renamed as (

    select
        uscc,
        tax_year as fact_year,
        revenue_wan,
        assets_wan,
        tax_paid_wan,
        rd_expense_wan,
        _loaded_at as loaded_at
    from source

)

select * from renamed
