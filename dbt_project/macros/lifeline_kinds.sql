{#- The kinds of devices of the lifeline scenario; dust and water meters belong to others. -#}
{% macro lifeline_kinds() -%}
    ('gas', 'leak', 'bridge', 'drainage', 'water_level', 'manhole')
{%- endmacro %}
