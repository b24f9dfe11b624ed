{#-
    A view that would be made again word for word, over tables with the columns it knew, stays: nine of ten statements that a build spends
    on a staging view move names about. What it was made from is kept as the comment on its rule, and goes when the view goes.
-#}
{% materialization view, adapter="postgres" %}
    {%- set standing = load_cached_relation(this) -%}
    {%- set made_of = what_a_view_is_made_of(sql) -%}
    {%- if standing is not none and standing.is_view and not flags.FULL_REFRESH and made_of == what_the_view_was_made_of() -%}
        {%- call noop_statement("main", "VIEW STANDS") -%}{{ sql }}{%- endcall -%}
        {{ return({"relations": [this.incorporate(type="view")]}) }}
    {%- endif -%}
    {%- set made = materialization_view_default() -%}
    {%- do run_query("comment on rule \"_RETURN\" on " ~ this ~ " is '" ~ made_of ~ "'") -%}
    {%- do run_query("commit") -%}
    {{ return(made) }}
{% endmaterialization %}

{% macro what_a_view_is_made_of(sql) %}
    {%- set read = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- do read.append("to_regclass('" ~ (graph.sources.get(unique_id) or graph.nodes[unique_id]).relation_name ~ "')") -%}
    {%- endfor -%}
    {%- set columns = run_query(
        "select md5(coalesce(string_agg(attrelid::text || ' ' || attname || ' ' || atttypid::text, ',' order by attrelid, attnum), ''))"
        ~ " from pg_catalog.pg_attribute where attnum > 0 and not attisdropped"
        ~ " and attrelid = any(array[" ~ read | join(", ") ~ "]::regclass[])"
    ).columns[0].values()[0] -%}
    {{ return(local_md5(sql ~ model.description ~ tojson(model.columns)) ~ " " ~ columns) }}
{% endmacro %}

{% macro what_the_view_was_made_of() %}
    {%- set notes = run_query(
        "select obj_description(oid, 'pg_rewrite') from pg_catalog.pg_rewrite"
        ~ " where ev_class = to_regclass('" ~ this ~ "') and rulename = '_RETURN'"
    ) -%}
    {{ return(notes.columns[0].values()[0] if notes | length > 0 else none) }}
{% endmacro %}
