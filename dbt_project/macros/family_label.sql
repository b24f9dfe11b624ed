{#- The family of a dataset as people read it; tables made of several families have none. -#}
{% macro family_label(column) -%}
    case {{ column }}
        when 'government' then '政务数据' when 'industry' then '行业数据' when 'internet' then '互联网数据'
        when 'satellite' then '卫星遥感' when 'video' then '视频数据' when 'iot' then '物联网数据' else '融合数据'
    end
{%- endmacro %}
