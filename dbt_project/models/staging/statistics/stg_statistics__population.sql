with

source as (

    {{ newest_statement(["statistics", "population_county_year"], ["county_code", "year"]) }}

),

renamed as (

    select
        county_code,
        year,
        residents,
        urban_residents,
        area_km2,
        births,
        deaths,
        age_0_14,
        age_15_59,
        age_60_plus,
        age_65_plus,
        households,
        _loaded_at as loaded_at
    from source

)

select * from renamed
