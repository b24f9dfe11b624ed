with

source as (

    {{ newest_statement(["agriculture_rural", "herb_planting_year"], ["township_code", "herb_code", "year"]) }}

),

renamed as (

    select
        township_code,
        herb_code,
        herb_name,
        year,
        planted_mu,
        output_tonnes,
        _loaded_at as loaded_at
    from source

)

select * from renamed
