with

population as (

    select * from {{ ref("fct_population_year") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'population_county_year'

),

final as (

    select
        population.county_code,
        population.county_name,
        population.year,
        population.is_latest_year,
        bands.age_band,
        bands.age_band_label,
        bands.age_band_order,
        bands.residents,
        (bands.residents::numeric / nullif(population.residents, 0))::numeric(18, 4) as share,
        datasets.origin,
        datasets.origin_label,
        population.loaded_at as data_as_of
    from population
    cross join datasets
    cross join lateral (
        values
        ('0_14', '0—14岁', 1, population.age_0_14),
        ('15_59', '15—59岁', 2, population.age_15_59),
        ('60_64', '60—64岁', 3, population.age_60_plus - population.age_65_plus),
        ('65_plus', '65岁及以上', 4, population.age_65_plus)
    ) as bands (age_band, age_band_label, age_band_order, residents)

)

select * from final
