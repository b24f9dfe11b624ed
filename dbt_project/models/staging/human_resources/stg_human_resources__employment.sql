with

source as (

    {{ newest_statement(["human_resources", "employment_month"], ["month", "county_code"]) }}

),

renamed as (

    select
        month as employment_month,
        county_code,
        new_jobs,
        registered_unemployed,
        labour_force,
        graduates,
        graduates_employed,
        _loaded_at as loaded_at
    from source

)

select * from renamed
