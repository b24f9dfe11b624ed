{% macro device_kind_label(column) %}
    case {{ column }}
        when 'gas' then '燃气' when 'leak' then '供水检漏' when 'bridge' then '桥梁' when 'drainage' then '排水' when 'water_level' then '易涝点水位'
        when 'manhole' then '井盖' when 'dust' then '工地扬尘' when 'smart_meter' then '智能水表'
    end
{% endmacro %}
