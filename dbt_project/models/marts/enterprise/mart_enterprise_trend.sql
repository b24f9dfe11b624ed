with

enterprises as (

    select * from {{ ref("int_enterprise__standing") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

newest as (

    select
        max(register_date) as register_date,
        max(loaded_at) as loaded_at
    from enterprises

),

months as (

    select
        series.month::date as month,
        least((series.month + interval '1 month - 1 day')::date, newest.register_date) as counted_on,
        newest.loaded_at
    from newest
    cross join lateral generate_series(
        date_trunc('month', newest.register_date::timestamp) - interval '59 months',
        date_trunc('month', newest.register_date::timestamp),
        interval '1 month'
    ) as series (month)

),

spells as (

    -- one row per entity group and span of days, so that months join few rows
    select
        county_code,
        county_name,
        section_code,
        section_name,
        established_on,
        closed_on,
        stood_until,
        count(*) as entities
    from enterprises
    group by county_code, county_name, section_code, section_name, established_on, closed_on, stood_until

),

final as (

    select
        spells.county_code,
        spells.county_name,
        months.month,
        spells.section_code,
        spells.section_name,
        coalesce(sum(spells.entities) filter (
            where date_trunc('month', spells.established_on::timestamp) = months.month
        ), 0)::integer as entities_new,
        coalesce(sum(spells.entities) filter (
            where date_trunc('month', spells.closed_on::timestamp) = months.month
        ), 0)::integer as entities_closed,
        coalesce(sum(spells.entities) filter (
            where spells.established_on <= months.counted_on and spells.stood_until > months.counted_on
        ), 0)::integer as entities,
        datasets.origin,
        datasets.origin_label,
        months.loaded_at as data_as_of
    from months
    cross join datasets
    inner join spells on months.counted_on >= spells.established_on
    group by
        spells.county_code, spells.county_name, months.month, spells.section_code, spells.section_name,
        datasets.origin, datasets.origin_label, months.loaded_at

)

select * from final
