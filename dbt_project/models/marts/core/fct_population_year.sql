{{ config(indexes=[{"columns": ["county_code", "year"], "unique": true}]) }}

with

population as (

    select * from {{ ref("stg_statistics__population") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        population.county_code,
        counties.name as county_name,
        population.year,
        population.year = max(population.year) over () as is_latest_year,
        population.residents,
        population.urban_residents,
        population.area_km2::numeric(18, 2) as area_km2,
        population.births,
        population.deaths,
        population.age_0_14,
        population.age_15_59,
        population.age_60_plus,
        population.age_65_plus,
        population.households,
        population.residents - before.residents as residents_change,
        population.loaded_at
    from population
    inner join counties on population.county_code = counties.area_code
    left join population as before on population.county_code = before.county_code and population.year = before.year + 1

)

select * from final
