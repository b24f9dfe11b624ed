{#- Stations of this city: inside a county's outline, or named after the city while no outline is known. -#}
{% macro in_this_city(relation) -%}
    ({{ relation }}.county_code is not null or {{ relation }}.city_name = (select name from {{ ref("stg_meta__area") }} where area_level = 'city'))
{%- endmacro %}
