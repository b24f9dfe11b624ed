{#- Kilometres along the sphere between two stored WGS84 positions in degrees (radius 6371.0088 km). -#}
{% macro haversine_km(from_lon, from_lat, to_lon, to_lat) -%}
    2 * 6371.0088 * asin(sqrt(least(
        1.0,
        sin(radians({{ to_lat }} - {{ from_lat }}) / 2) ^ 2
        + cos(radians({{ from_lat }})) * cos(radians({{ to_lat }})) * sin(radians({{ to_lon }} - {{ from_lon }}) / 2) ^ 2
    )))
{%- endmacro %}

{#- Minutes on the road for a straight line of so many kilometres: the project's detour factor and speed. -#}
{% macro reach_minutes(kilometres) -%}
    {{ kilometres }} * {{ var("reach_detour_factor") }} / {{ var("reach_speed_kmh") }} * 60
{%- endmacro %}
