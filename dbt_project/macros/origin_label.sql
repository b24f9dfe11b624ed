{% macro origin_label(column) %}case {{ column }} when 'real' then '真实数据' else '模拟数据' end{% endmacro %}
