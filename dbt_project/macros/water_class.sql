{#- 1 for class I of GB 3838-2002 to 6 for worse than class V. -#}
{% macro water_class_rank(column) -%}
    case {{ column }} when 'Ⅰ' then 1 when 'Ⅱ' then 2 when 'Ⅲ' then 3 when 'Ⅳ' then 4 when 'Ⅴ' then 5 when '劣Ⅴ' then 6 end
{%- endmacro %}
