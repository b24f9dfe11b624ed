with

exceptions as (

    select * from {{ ref("calendar_exception") }}

),

published as (

    select extract(year from max(day))::integer as last_year from exceptions

),

days as (

    select series.day::date as day
    from generate_series('{{ var("calendar_from") }}'::date, '{{ var("calendar_until") }}'::date, interval '1 day') as series (day)

),

judged as (

    select
        days.day,
        case
            when exceptions.kind = 'holiday' then false
            when exceptions.kind = 'makeup_workday' then true
            else extract(isodow from days.day) <= 5
        end as is_working_day,
        coalesce(exceptions.kind = 'holiday', false) as is_holiday,
        coalesce(exceptions.kind = 'makeup_workday', false) as is_makeup_working_day,
        exceptions.holiday_name,
        extract(year from days.day) > published.last_year as is_provisional
    from days
    cross join published
    left join exceptions on days.day = exceptions.day

),

final as (

    select
        day,
        extract(year from day)::integer as year,
        extract(quarter from day)::integer as quarter,
        extract(month from day)::integer as month,
        extract(isoyear from day)::integer as iso_year,
        extract(week from day)::integer as iso_week,
        extract(isodow from day)::integer as weekday,
        is_working_day,
        is_holiday,
        is_makeup_working_day,
        holiday_name,
        is_provisional,
        (count(*) filter (where is_working_day) over (
            order by day rows between unbounded preceding and 1 preceding
        ))::integer as working_days_before
    from judged

)

select * from final
