with

enterprises as (

    select * from {{ ref("int_enterprise__standing") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

newest as (

    select
        max(register_date) as register_date,
        (max(register_date) - interval '12 months')::date as year_before,
        max(loaded_at) as loaded_at
    from enterprises

),

counted as (

    select
        enterprises.county_code,
        (count(*) filter (
            where enterprises.established_on <= newest.register_date and enterprises.stood_until > newest.register_date
        ))::integer as entities,
        (count(*) filter (
            where enterprises.established_on <= newest.year_before and enterprises.stood_until > newest.year_before
        ))::integer as entities_before,
        (count(*) filter (
            where enterprises.established_on > newest.year_before and enterprises.established_on <= newest.register_date
        ))::integer as entities_new_12m,
        (count(*) filter (
            where enterprises.closed_on > newest.year_before and enterprises.closed_on <= newest.register_date
        ))::integer as entities_closed_12m,
        (count(*) filter (
            where enterprises.stood_until > newest.register_date and enterprises.risk_count > 0
        ))::integer as entities_at_risk
    from enterprises
    cross join newest
    where enterprises.county_code is not null
    group by enterprises.county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(counted.entities, 0) as entities,
        coalesce(counted.entities_new_12m, 0) as entities_new_12m,
        coalesce(counted.entities_closed_12m, 0) as entities_closed_12m,
        (counted.entities_new_12m - counted.entities_closed_12m)::numeric
        / nullif(counted.entities_before, 0) as growth_rate_12m,
        coalesce(counted.entities_at_risk, 0) as entities_at_risk,
        counted.entities_at_risk::numeric / nullif(counted.entities, 0) as risk_rate,
        counties.residents,
        counted.entities * 10000.0 / nullif(counties.residents, 0) as entities_per_10k,
        (rank() over (order by coalesce(counted.entities, 0) desc))::integer as rank_in_city,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from counties
    cross join newest
    cross join datasets
    left join counted on counties.area_code = counted.county_code

)

select * from final
