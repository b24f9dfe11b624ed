{#-
    Seconds on the office clock at a moment: 08:00-12:00 and 14:00-18:00 of working days, counted from the calendar's first day, so that the
    difference of two moments is the working time between them. A working day is 28800 of them.

    moment: a timestamptz; calendar: the alias of the row of dim_calendar for its day in Asia/Shanghai.
-#}
{% macro working_seconds(moment, calendar) -%}
    ({{ calendar }}.working_days_before * 28800 + case when {{ calendar }}.is_working_day then
        extract(epoch from least(greatest(({{ moment }} at time zone 'Asia/Shanghai')::time, time '08:00'), time '12:00') - time '08:00')
        + extract(epoch from least(greatest(({{ moment }} at time zone 'Asia/Shanghai')::time, time '14:00'), time '18:00') - time '14:00')
    else 0 end)
{%- endmacro %}

{#- Working days between two moments, as a fraction: 0.5 is four hours of office time. -#}
{% macro working_days(began, began_calendar, ended, ended_calendar) -%}
    (({{ working_seconds(ended, ended_calendar) }} - {{ working_seconds(began, began_calendar) }}) / 28800.0)::numeric(18, 4)
{%- endmacro %}
