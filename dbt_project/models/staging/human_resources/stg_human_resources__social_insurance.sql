with

source as (

    {{ newest_statement(["human_resources", "social_insurance_month"], ["month", "county_code", "kind"]) }}

),

renamed as (

    select
        month as insurance_month,
        county_code,
        kind as insurance_kind,
        insured,
        base_population,
        arrears_persons,
        arrears_yuan,
        _loaded_at as loaded_at
    from source

)

select * from renamed
