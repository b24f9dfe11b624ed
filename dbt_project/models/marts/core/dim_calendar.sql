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

final as (

    select
        days.day,
        extract(year from days.day)::integer as year,
        extract(quarter from days.day)::integer as quarter,
        extract(month from days.day)::integer as month,
        extract(isoyear from days.day)::integer as iso_year,
        extract(week from days.day)::integer as iso_week,
        extract(isodow from days.day)::integer as weekday,
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

)

select * from final
