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
        date_trunc('month', enterprises.established_on::timestamp)::date as opened,
        date_trunc('month', enterprises.closed_on::timestamp)::date as closed,
        case
            when enterprises.stood_until <= newest.register_date then date_trunc('month', enterprises.stood_until::timestamp)::date
        end as stopped
    from enterprises
    cross join newest
    where enterprises.established_on <= newest.register_date

),

changes as (

    select
        known.county_code,
        known.county_name,
        known.section_code,
        known.section_name,
        change.month,
        change.entered,
        change.opened,
        change.closed
    from known
    cross join
        lateral (
            values
            (greatest(known.opened, known.first_month), 1, (known.opened >= known.first_month)::integer, 0),
            (case when known.stopped is not null then greatest(known.stopped, known.opened, known.first_month) end, -1, 0, 0),
            (case when known.closed between greatest(known.opened, known.first_month) and known.last_month then known.closed end, 0, 0, 1)
        ) as change (month, entered, opened, closed)
    where change.month is not null
    union all
    -- every month from the first change of a group on
    select
        groups.county_code,
        groups.county_name,
        groups.section_code,
        groups.section_name,
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
            min(greatest(opened, first_month)) as since,
            max(last_month) as last_month
        from known
        group by county_code, county_name, section_code, section_name
    ) as groups
    cross join lateral generate_series(groups.since::timestamp, groups.last_month::timestamp, interval '1 month') as series (month)

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
    group by county_code, county_name, month, section_code, section_name

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
