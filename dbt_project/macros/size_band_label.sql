{% macro size_band_label(column) -%}
    case {{ column }}
        when 'large' then '大型' when 'medium' then '中型' when 'small' then '小型' when 'micro' then '微型'
        when 'not_applicable' then '不适用' else '无法判定'
    end
{%- endmacro %}
