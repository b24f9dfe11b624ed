{#-
    Columns from the catalogue itself: information_schema goes through every privilege of every column, twice a model, which took an
    eighth of a build's database time. Temporary relations have no schema in their name.
-#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {% call statement("get_columns_in_relation", fetch_result=True) %}
        select
            a.attname::text as column_name,
            format_type(a.atttypid, null) as data_type,
            case when a.atttypid in ('varchar'::regtype, 'bpchar'::regtype) and a.atttypmod > 4 then a.atttypmod - 4 end
                as character_maximum_length,
            case when a.atttypid = 'numeric'::regtype and a.atttypmod > 4 then (a.atttypmod - 4) >> 16 end as numeric_precision,
            case when a.atttypid = 'numeric'::regtype and a.atttypmod > 4 then (a.atttypmod - 4) & 65535 end as numeric_scale
        from pg_catalog.pg_attribute as a
        inner join pg_catalog.pg_class as c on a.attrelid = c.oid
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where
            c.relname = '{{ relation.identifier }}'
            and a.attnum > 0
            and not a.attisdropped
            {%- if relation.schema %}
            and n.nspname = '{{ relation.schema }}'
            {%- endif %}
        order by a.attnum
    {% endcall %}
    {{ return(sql_convert_columns_in_relation(load_result("get_columns_in_relation").table)) }}
{%- endmacro %}
