{#-
    Views run with the rights of whoever reads them. A plain view runs with its owner's and walks past row security.
-#}
{% macro postgres__create_view_as(relation, sql) -%}
    {%- set contract_config = config.get("contract") -%}
    create view {{ relation }} with (security_invoker = true)
    {% if contract_config.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
    as ({{ sql }});
{%- endmacro %}
