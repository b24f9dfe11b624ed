{#-
    The sub-index (IAQI) of one concentration in µg/m³, CO in mg/m³: linear within its band, rounded up; 500 above the last band.
    HJ 633-2012, table 1: upper limits of each pollutant's bands for IAQI 0, 50, 100, 150, 200, 300, 400, 500. Two columns end early:
    above them the standard computes no sub-index. Null where there is none.
-#}
{% macro iaqi(column, pollutant) %}
    {%- set limits = {
        "so2_24h": [0, 50, 150, 475, 800, 1600, 2100, 2620],
        "so2_1h": [0, 150, 500, 650, 800],
        "no2_24h": [0, 40, 80, 180, 280, 565, 750, 940],
        "no2_1h": [0, 100, 200, 700, 1200, 2340, 3090, 3840],
        "pm10_24h": [0, 50, 150, 250, 350, 420, 500, 600],
        "co_24h": [0, 2, 4, 14, 24, 36, 48, 60],
        "co_1h": [0, 5, 10, 35, 60, 90, 120, 150],
        "o3_1h": [0, 160, 200, 300, 400, 800, 1000, 1200],
        "o3_8h": [0, 100, 160, 215, 265, 800],
        "pm25_24h": [0, 35, 75, 115, 150, 250, 350, 500],
    }[pollutant] -%}
    {%- set index = [0, 50, 100, 150, 200, 300, 400, 500] -%}
    case
        when {{ column }} is null or {{ column }} < 0 then null
        {%- for band in range(1, limits | length) %}
        when {{ column }} <= {{ limits[band] }} then
            ceil({{ index[band - 1] }} + ({{ column }} - {{ limits[band - 1] }})
                * {{ index[band] - index[band - 1] }}::numeric / {{ limits[band] - limits[band - 1] }})::integer
        {%- endfor %}
        {%- if limits | length == 8 %}
        else 500
        {%- endif %}
    end
{% endmacro %}

{#- The pollutants whose sub-index is the index, in words, joined by 、; null up to an index of 50. `columns`: name -> column. -#}
{% macro main_pollutants(aqi, columns) %}
    case when {{ aqi }} > 50 then concat_ws(
        '、'
        {%- for name, column in columns.items() %},
        case when {{ column }} = {{ aqi }} then '{{ name }}' end
        {%- endfor %}
    ) end
{% endmacro %}

{% macro aqi_level(aqi) %}
    case
        when {{ aqi }} <= 50 then 1 when {{ aqi }} <= 100 then 2 when {{ aqi }} <= 150 then 3
        when {{ aqi }} <= 200 then 4 when {{ aqi }} <= 300 then 5 when {{ aqi }} > 300 then 6
    end
{% endmacro %}

{% macro aqi_level_name(aqi) %}
    case {{ aqi_level(aqi) }}
        when 1 then '优' when 2 then '良' when 3 then '轻度污染' when 4 then '中度污染' when 5 then '重度污染' when 6 then '严重污染'
    end
{% endmacro %}
