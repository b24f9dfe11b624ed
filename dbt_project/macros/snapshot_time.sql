{#- Snapshots keep timestamps with their zone, as every other table here does. -#}
{% macro postgres__snapshot_get_time() -%}
    {{ current_timestamp() }}
{%- endmacro %}
