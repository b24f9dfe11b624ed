{% macro rule_kind_label(column) -%}
    {#- What a kind of rule checks, in the words of the screens. -#}
    case {{ column }}
        when 'between' then '取值范围'
        when 'not_null' then '必填'
        when 'well_typed' then '类型与格式'
        when 'built_in' then '主键与可读性'
        when 'unique' then '唯一'
        when 'one_of' then '取值目录'
        when 'matches' then '编码规则'
        when 'not_in_future' then '不晚于今天'
        when 'references' then '关联存在'
        when 'column_order' then '列间先后'
        when 'valid_uscc' then '信用代码校验'
        when 'row_count_against_history' then '行数对比历史'
        when 'row_count_against_same_days' then '行数对比同类日'
        when 'row_count' then '行数'
        when 'freshness' then '及时'
        when 'distinct_count' then '不同值个数'
        when 'length' then '长度'
        else {{ column }}
    end
{%- endmacro %}
