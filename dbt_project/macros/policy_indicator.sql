{#-
    One indicator of an enterprise. `stated.entries` holds what was stated about it by code, `delivered.indicators` the codes that anybody was
    listed under. The list of an indicator is complete: who is not on it has none of it; who is on it without a value is not known.
-#}
{% macro indicator_number(code, type) -%}
    case
        when stated.entries ? '{{ code }}' then (stated.entries ->> '{{ code }}')::{{ type }}
        when delivered.indicators ? '{{ code }}' then 0
    end
{%- endmacro %}

{% macro indicator_year(code) -%}
    (stated.entries ->> '{{ code }}')::integer
{%- endmacro %}

{% macro indicator_level(code) -%}
    case
        when stated.entries ? '{{ code }}' then stated.entries ->> '{{ code }}'
        when delivered.indicators ? '{{ code }}' then 'none'
    end
{%- endmacro %}

{% macro indicator_flag(code) -%}
    case when delivered.indicators ? '{{ code }}' then coalesce(stated.entries ? '{{ code }}', false) end
{%- endmacro %}
