{#- What dbt calls every table in Chinese, as rows of (table_name, title). -#}
{% macro table_titles() %}
    {%- set named = [] -%}
    {%- if execute and graph is defined -%}
        {%- for node in graph.nodes.values() if node.resource_type == "model" and node.config.meta.label is defined -%}
            {%- do named.append("('" ~ node.alias ~ "', '" ~ node.config.meta.label.zh ~ "')") -%}
        {%- endfor -%}
    {%- endif -%}
    values {{ named | join(", ") or "('', '')" }}
{%- endmacro %}
