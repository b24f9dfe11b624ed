{#-
    Who stood at the end of a month is who had entered by then less who had left: running sums over changes, so that enterprises are read
    once, however many months are shown. What was before the first month enters with it.
-#}
with

enterprises as (

    select * from {{ ref("int_enterprise__standing") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

newest as materialized (

    select
        max(register_date) as register_date,
        (date_trunc('month', max(register_date)::timestamp) - interval '59 months')::date as first_month,
        date_trunc('month', max(register_date)::timestamp)::date as last_month,
        max(loaded_at) as loaded_at
    from enterprises

),

known as (

    -- a month is counted on its last day, the newest on the register's date: what is dated later comes later
    select
        enterprises.county_code,
        enterprises.county_name,
        enterprises.section_code,
        enterprises.section_name,
        newest.first_month,
        newest.last_month,
        enterprises.stood_until <= newest.register_date as has_left,
        date_trunc('month', enterprises.established_on::timestamp)::date as opened,
        date_trunc('month', enterprises.closed_on::timestamp)::date as closed,
        date_trunc('month', least(enterprises.stood_until, newest.register_date)::timestamp)::date as stopped
    from enterprises
    cross join newest
    where enterprises.established_on <= newest.register_date

),

changes as (

    select
        county_code,
        county_name,
        section_code,
        section_name,
        greatest(opened, first_month) as month,
        count(*) as entered,
        count(*) filter (where opened >= first_month) as opened,
        0 as closed
    from known
    group by 1, 2, 3, 4, 5
    union all
    select
        county_code,
        county_name,
        section_code,
        section_name,
        greatest(stopped, opened, first_month) as month,
        -count(*) as entered,
        0 as opened,
        0 as closed
    from known
    where has_left
    group by 1, 2, 3, 4, 5
    union all
    select
        county_code,
        county_name,
        section_code,
        section_name,
        closed as month,
        0 as entered,
        0 as opened,
        count(*) as closed
    from known
    where closed between greatest(opened, first_month) and last_month
    group by 1, 2, 3, 4, 5
    union all
    -- every month from the first change of a group on
    select
        firsts.county_code,
        firsts.county_name,
        firsts.section_code,
        firsts.section_name,
        series.month::date as month,
        0 as entered,
        0 as opened,
        0 as closed
    from (
        select
            county_code,
            county_name,
            section_code,
            section_name,
            min(greatest(opened, first_month)) as first_month,
            max(last_month) as last_month
        from known
        group by 1, 2, 3, 4
    ) as firsts
    cross join lateral generate_series(firsts.first_month::timestamp, firsts.last_month::timestamp, interval '1 month') as series (month)

),

by_month as (

    select
        county_code,
        county_name,
        month,
        section_code,
        section_name,
        sum(opened) as opened,
        sum(closed) as closed,
        sum(sum(entered)) over (
            partition by county_code, county_name, section_code, section_name
            order by month
        ) as standing
    from changes
    group by 1, 2, 3, 4, 5

),

final as (

    select
        by_month.county_code,
        by_month.county_name,
        by_month.month,
        by_month.section_code,
        by_month.section_name,
        by_month.opened::integer as entities_new,
        by_month.closed::integer as entities_closed,
        by_month.standing::integer as entities,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from by_month
    cross join datasets
    cross join newest

)

select * from final
