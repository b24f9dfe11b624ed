with

projects as (

    select * from {{ ref("fct_investment_project") }}
    where county_code is not null

),

major as (

    select
        county_code,
        month,
        sum(month_wan) as major_invested_wan,
        sum(invested_wan) as major_invested_total_wan,
        (count(*) filter (where is_lagging or is_silent or is_unpermitted))::integer as major_needing_attention,
        max(loaded_at) as loaded_at
    from {{ ref("fct_major_project_month") }}
    where county_code is not null
    group by county_code, month

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'investment_project'

),

newest as (

    select
        max(register_date) as register_date,
        max(loaded_at) as loaded_at
    from projects

),

months as (

    select series.month::date as month
    from newest
    cross join lateral generate_series(
        date_trunc('month', newest.register_date::timestamp) - interval '35 months',
        date_trunc('month', newest.register_date::timestamp),
        interval '1 month'
    ) as series (month)

),

steps as (

    select
        county_code,
        'signed' as step,
        signed_on as day,
        agreed_wan
    from projects

    union all

    select
        county_code,
        'landed' as step,
        landed_on as day,
        agreed_wan
    from projects

    union all

    select
        county_code,
        'started' as step,
        started_on as day,
        agreed_wan
    from projects

    union all

    select
        county_code,
        'producing' as step,
        producing_on as day,
        agreed_wan
    from projects

),

counted as (

    select
        county_code,
        date_trunc('month', day::timestamp)::date as month,
        (count(*) filter (where step = 'signed'))::integer as signed,
        (count(*) filter (where step = 'landed'))::integer as landed,
        (count(*) filter (where step = 'started'))::integer as started,
        (count(*) filter (where step = 'producing'))::integer as producing,
        sum(agreed_wan) filter (where step = 'signed') as signed_wan
    from steps
    where day is not null
    group by county_code, date_trunc('month', day::timestamp)::date

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        months.month,
        months.month = date_trunc('month', newest.register_date::timestamp)::date as is_running_month,
        coalesce(counted.signed, 0) as signed,
        coalesce(counted.landed, 0) as landed,
        coalesce(counted.started, 0) as started,
        coalesce(counted.producing, 0) as producing,
        coalesce(counted.signed_wan, 0)::numeric(18, 2) as signed_wan,
        before.signed as signed_year_before,
        before.started as started_year_before,
        -- null, not zero, while the month is not reported
        major.major_invested_wan::numeric(18, 2) as major_invested_wan,
        major.major_invested_total_wan::numeric(18, 2) as major_invested_total_wan,
        major.major_needing_attention,
        datasets.origin,
        datasets.origin_label,
        greatest(newest.loaded_at, major.loaded_at) as data_as_of
    from months
    cross join counties
    cross join newest
    cross join datasets
    left join counted on counties.area_code = counted.county_code and months.month = counted.month
    left join counted as before
        on counties.area_code = before.county_code and months.month = (before.month + interval '1 year')::date
    left join major on counties.area_code = major.county_code and months.month = major.month

)

select * from final
