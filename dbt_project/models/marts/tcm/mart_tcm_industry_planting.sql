with

planting as (

    select * from {{ ref("stg_agriculture_rural__herb_planting") }}

),

areas as (

    select * from {{ ref("dim_area") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'herb_planting_year'

),

final as (

    select
        planting.township_code,
        townships.name as township_name,
        townships.county_code,
        counties.name as county_name,
        planting.herb_code,
        planting.herb_name,
        planting.year,
        planting.year = max(planting.year) over () as is_latest_year,
        planting.planted_mu::numeric(18, 2) as planted_mu,
        before.planted_mu::numeric(18, 2) as planted_mu_year_before,
        planting.output_tonnes::numeric(18, 2) as output_tonnes,
        datasets.origin,
        datasets.origin_label,
        planting.loaded_at as data_as_of
    from planting
    cross join datasets
    inner join areas as townships on planting.township_code = townships.area_code
    inner join areas as counties on townships.county_code = counties.area_code
    left join planting as before
        on
            planting.township_code = before.township_code
            and planting.herb_code = before.herb_code
            and planting.year = before.year + 1

)

select * from final
