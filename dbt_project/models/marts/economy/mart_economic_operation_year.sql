with

series as (

    select * from {{ ref("fct_economy_series") }}
    where period_kind = 'year'

),

divisions as (

    select count(*) as counties from {{ ref("dim_area") }}
    where area_level = 'county'

),

population as (

    select
        county_code,
        year,
        residents
    from {{ ref("fct_population_year") }}

    union all

    -- the city's row: only where every county is known
    select
        null as county_code,
        year,
        sum(residents) as residents
    from {{ ref("fct_population_year") }}
    group by year
    having count(*) = (select counties from divisions)

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'economy_series'

),

pivoted as (

    select
        county_code,
        area_code,
        area_name,
        year,
        {%- for indicator in [
            "gdp", "gdp_primary", "gdp_secondary", "gdp_tertiary", "industrial_value_added", "fixed_investment", "retail_sales",
            "fiscal_revenue", "income_urban", "income_rural",
        ] %}
        max(cumulative_value) filter (where indicator = '{{ indicator }}') as {{ indicator }},
        {%- endfor %}
        max(growth_rate) filter (where indicator = 'gdp') as gdp_growth_rate,
        max(loaded_at) as loaded_at
    from series
    group by county_code, area_code, area_name, year

),

final as (

    select
        pivoted.area_code,
        pivoted.county_code,
        pivoted.area_name,
        pivoted.county_code is null as is_city,
        pivoted.year,
        pivoted.year = max(pivoted.year) over () as is_latest_year,
        pivoted.gdp,
        pivoted.gdp_growth_rate,
        pivoted.gdp_primary,
        pivoted.gdp_secondary,
        pivoted.gdp_tertiary,
        (pivoted.gdp_tertiary / nullif(pivoted.gdp, 0))::numeric(18, 4) as tertiary_share,
        pivoted.industrial_value_added,
        pivoted.fixed_investment,
        pivoted.retail_sales,
        pivoted.fiscal_revenue,
        pivoted.income_urban,
        pivoted.income_rural,
        (pivoted.income_urban / nullif(pivoted.income_rural, 0))::numeric(18, 4) as income_ratio,
        population.residents::integer as residents,
        (pivoted.gdp * 100000000 / nullif(population.residents, 0))::numeric(18, 2) as gdp_per_head_yuan,
        datasets.origin,
        datasets.origin_label,
        pivoted.loaded_at as data_as_of
    from pivoted
    cross join datasets
    left join population on pivoted.county_code is not distinct from population.county_code and pivoted.year = population.year

)

select * from final
