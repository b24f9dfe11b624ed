{#- The county whose outline holds a WGS84 position; null outside all of them, the first by code on a shared border. -#}
{% macro county_around(longitude, latitude) -%}
    (
        select min(around.county_code)
        from {{ ref("int_area__county_polygon") }} as around
        where around.outline @> point({{ longitude }}::double precision, {{ latitude }}::double precision)
    )
{%- endmacro %}
