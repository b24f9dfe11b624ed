{#- The city's day on which this build began. Unit tests put another day in its place. -#}
{% macro build_day() -%}
    ('{{ run_started_at }}'::timestamptz at time zone 'Asia/Shanghai')::date
{%- endmacro %}
