with

enterprises as (

    select * from {{ ref("int_enterprise__standing") }}

),

facts as (

    select * from {{ ref("fct_enterprise_year") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

newest as (

    select
        max(extract(year from register_date))::integer as register_year,
        max(register_date) as register_date,
        (select max(fact_year) from facts) as fact_year,
        max(loaded_at) as loaded_at
    from enterprises

),

years as (

    select
        series.year,
        -- the running year is counted as of the newest register
        least(make_date(series.year, 12, 31), newest.register_date) as counted_on
    from newest
    cross join lateral generate_series(newest.register_year - {{ var("landscape_years") }} + 1, newest.register_year)
        as series (year)

),

entity_years as (

    select
        enterprises.*,
        years.year,
        facts.uscc is not null as is_reporting,
        coalesce(facts.size_band, 'undetermined') as size_band,
        facts.revenue_wan,
        facts.tax_paid_wan,
        facts.rd_expense_wan,
        facts.staff_count,
        facts.insured_count,
        facts.layoff_count,
        coalesce(
            facts.is_in_arrears or facts.is_laying_off or facts.is_losing_revenue or facts.is_under_insured, false
        ) as is_at_risk,
        enterprises.established_on <= years.counted_on and enterprises.stood_until > years.counted_on as stands,
        coalesce(extract(year from enterprises.established_on) = years.year, false) as is_new,
        coalesce(extract(year from enterprises.closed_on) = years.year, false) as is_closed
    from years
    inner join enterprises
        on
            extract(year from enterprises.established_on) <= years.year
            and (enterprises.stood_until = 'infinity' or extract(year from enterprises.stood_until) >= years.year)
    left join facts on enterprises.uscc = facts.uscc and years.year = facts.fact_year

),

final as (

    select
        entity_years.county_code,
        entity_years.county_name,
        entity_years.year,
        entity_years.year = newest.register_year as is_latest_year,
        coalesce(entity_years.year = newest.fact_year, false) as is_latest_fact_year,
        entity_years.section_code,
        entity_years.section_name,
        entity_years.division_code,
        entity_years.division_name,
        entity_years.size_band,
        {{ size_band_label("entity_years.size_band") }} as size_band_label,
        entity_years.entity_kind,
        (count(*) filter (where entity_years.stands))::integer as entities,
        (count(*) filter (where entity_years.is_new))::integer as entities_new,
        (count(*) filter (where entity_years.is_closed))::integer as entities_closed,
        (count(*) filter (where entity_years.stands and entity_years.is_at_risk))::integer as entities_at_risk,
        (count(*) filter (where entity_years.is_reporting))::integer as entities_reporting,
        sum(entity_years.revenue_wan) as revenue_wan,
        sum(entity_years.tax_paid_wan) as tax_paid_wan,
        sum(entity_years.rd_expense_wan) as rd_expense_wan,
        sum(entity_years.staff_count) as staff_count,
        sum(entity_years.insured_count) as insured_count,
        sum(entity_years.layoff_count) as layoff_count,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from entity_years
    cross join newest
    cross join datasets
    group by
        entity_years.county_code, entity_years.county_name, entity_years.year, newest.register_year, newest.fact_year,
        entity_years.section_code, entity_years.section_name, entity_years.division_code, entity_years.division_name,
        entity_years.size_band, entity_years.entity_kind, datasets.origin, datasets.origin_label, newest.loaded_at

)

select * from final
