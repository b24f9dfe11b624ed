with

records as (

    select * from {{ ref("fct_gov_service_record") }}

),

departments as (

    select * from {{ ref("dim_department") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'gov_service_record'

),

accepted as (

    select
        date_trunc('month', accepted_at at time zone 'Asia/Shanghai')::date as month,
        county_code,
        department,
        count(*)::integer as records_accepted,
        (count(*) filter (where is_away_from_window))::integer as records_away_from_window
    from records
    group by month, county_code, department

),

finished as (

    select
        date_trunc('month', finished_at at time zone 'Asia/Shanghai')::date as month,
        county_code,
        department,
        count(*)::integer as records_finished,
        (count(*) filter (where is_late))::integer as records_late,
        sum(working_days_spent) as working_days_spent,
        count(satisfaction)::integer as records_rated,
        (count(*) filter (where satisfaction >= 4))::integer as records_satisfied,
        sum(satisfaction)::integer as satisfaction_sum
    from records
    where finished_at is not null
    group by month, county_code, department

),

pairs as (

    select
        county_code,
        department,
        max(loaded_at) as loaded_at
    from records
    group by county_code, department

),

ends as (

    select
        date_trunc('month', min(accepted_at) at time zone 'Asia/Shanghai') as first_month,
        date_trunc('month', max(greatest(accepted_at, finished_at)) at time zone 'Asia/Shanghai') as last_month
    from records

),

months as (

    select
        series.month::date as month,
        series.month > ends.last_month - interval '12 months' as is_latest_12m
    from ends
    cross join lateral generate_series(ends.first_month, ends.last_month, interval '1 month') as series (month)

),

counted as (

    select
        months.month,
        months.is_latest_12m,
        pairs.county_code,
        pairs.department,
        coalesce(accepted.records_accepted, 0) as records_accepted,
        coalesce(accepted.records_away_from_window, 0) as records_away_from_window,
        coalesce(finished.records_finished, 0) as records_finished,
        coalesce(finished.records_late, 0) as records_late,
        coalesce(finished.working_days_spent, 0) as working_days_spent,
        coalesce(finished.records_rated, 0) as records_rated,
        coalesce(finished.records_satisfied, 0) as records_satisfied,
        coalesce(finished.satisfaction_sum, 0) as satisfaction_sum,
        pairs.loaded_at
    from months
    cross join pairs
    left join accepted
        on months.month = accepted.month and pairs.county_code = accepted.county_code and pairs.department = accepted.department
    left join finished
        on months.month = finished.month and pairs.county_code = finished.county_code and pairs.department = finished.department

),

final as (

    select
        counted.month,
        counted.is_latest_12m,
        counted.county_code,
        counties.name as county_name,
        counted.department,
        departments.department_name,
        counted.records_accepted,
        counted.records_away_from_window,
        counted.records_finished,
        counted.records_late,
        -- what was taken in up to the end of the month and not finished by then
        (sum(counted.records_accepted - counted.records_finished) over history)::integer as records_open,
        counted.working_days_spent,
        counted.working_days_spent / nullif(counted.records_finished, 0) as mean_handling_days,
        lag(counted.working_days_spent / nullif(counted.records_finished, 0), 12) over history as mean_handling_days_year_before,
        counted.records_rated,
        counted.records_satisfied,
        counted.satisfaction_sum,
        counted.records_satisfied::numeric / nullif(counted.records_rated, 0) as satisfaction_rate,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counted
    cross join datasets
    inner join departments on counted.department = departments.department
    inner join counties on counted.county_code = counties.area_code
    window history as (partition by counted.county_code, counted.department order by counted.month)

)

select * from final
