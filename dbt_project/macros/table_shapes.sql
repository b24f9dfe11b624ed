{#-
    An incremental table outlives the release that made it. Its shape (columns, rules, key, indexes; of a model without a contract its
    code) is marked on it by a constraint of that name that forbids nothing. A build that finds another shape than the model's makes the
    table anew from what stands in raw and in the desk; nobody has to know of --full-refresh.

    A fact whose raw rows go before it does (`meta.outlives_raw`) is never made anew: it gains columns, indexes and rules, rules for rows
    to come. A column that left or changed its type there ends the build with a message, because a person has to say what becomes of it.
-#}
{% macro should_full_refresh() %}
    {%- set asked = config.get("full_refresh") -%}
    {%- if asked is none -%}{%- set asked = flags.FULL_REFRESH -%}{%- endif -%}
    {%- if asked or not execute or model.config.materialized != "incremental" or model.config.meta.get("outlives_raw") -%}
        {{ return(asked) }}
    {%- endif -%}
    {{ return(shape_of_table(this) != shape_of_model()) }}
{% endmacro %}

{% macro shape_of_model() %}
    {%- set columns = [] -%}
    {%- for name, column in model.columns.items() -%}
        {%- do columns.append([name, column.get("data_type"), column.get("constraints", [])]) -%}
    {%- endfor -%}
    {%- set shape = {
        "columns": columns,
        "rules": model.get("constraints", []),
        "key": config.get("unique_key"),
        "indexes": config.get("indexes"),
        "code": none if model.config.contract.enforced else model.raw_code,
    } -%}
    {{ return("shape_" ~ local_md5(tojson(shape))) }}
{% endmacro %}

{#- The mark on a table; none without one: it was never built, or made before tables were marked. -#}
{% macro shape_of_table(relation) %}
    {%- set marks = run_query(
        "select conname from pg_catalog.pg_constraint where conrelid = to_regclass('" ~ relation ~ "') and conname like 'shape\\_%'"
    ) -%}
    {{ return(marks.columns[0].values()[0] if marks | length > 0 else none) }}
{% endmacro %}

{#- Before an incremental build: rules of an older shape let go, they may forbid what the model allows now; new columns come. -#}
{% macro loosen_shape() %}
    {%- if must_change_shape() -%}
        {%- set rules = run_query(
            "select quote_ident(conname) from pg_catalog.pg_constraint where conrelid = '" ~ this ~ "'::regclass and contype = 'c'"
        ) -%}
        {%- for name in rules.columns[0].values() %}
    alter table {{ this }} drop constraint {{ name }};
        {%- endfor -%}
        {%- for name, column in model.columns.items() %}
    alter table {{ this }} add column if not exists {{ name }} {{ column.data_type }};
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{#- After it: the model's rules for rows to come, its missing indexes, and the mark. -#}
{% macro take_shape() %}
    {%- if execute and model.config.materialized == "incremental" -%}
        {%- if shape_of_table(this) != shape_of_model() -%}
            {%- if model.config.meta.get("outlives_raw") -%}
                {%- for rule in checks_of_model() if not has_checks() %}
    alter table {{ this }} add check ({{ rule }}) not valid;
                {%- endfor -%}
                {%- for index in config.get("indexes") if not has_index(index.columns) %}
    create {{ "unique" if index.unique }} index on {{ this }} ({{ index.columns | join(", ") }});
                {%- endfor -%}
            {%- endif -%}
    alter table {{ this }} add constraint {{ shape_of_model() }} check (true) not valid;
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro must_change_shape() %}
    {{ return(
        execute and model.config.materialized == "incremental" and model.config.meta.get("outlives_raw") and is_incremental()
        and shape_of_table(this) != shape_of_model()
    ) }}
{% endmacro %}

{% macro checks_of_model() %}
    {%- set rules = model.constraints | selectattr("type", "equalto", "check") | map(attribute="expression") | list -%}
    {%- for column in model.columns.values() -%}
        {%- do rules.extend(column.constraints | selectattr("type", "equalto", "check") | map(attribute="expression") | list) -%}
    {%- endfor -%}
    {{ return(rules) }}
{% endmacro %}

{% macro has_checks() %}
    {{ return(run_query(
        "select 1 from pg_catalog.pg_constraint where conrelid = '" ~ this ~ "'::regclass and contype = 'c' limit 1"
    ) | length > 0) }}
{% endmacro %}

{% macro has_index(columns) %}
    {{ return(run_query(
        "select 1 from pg_catalog.pg_index as i where i.indrelid = '" ~ this ~ "'::regclass and array(select a.attname::text"
        ~ " from unnest(i.indkey::smallint[]) with ordinality as k (number, place) inner join pg_catalog.pg_attribute as a"
        ~ " on i.indrelid = a.attrelid and k.number = a.attnum order by k.place) = '{" ~ columns | join(",") ~ "}'::text[]"
    ) | length > 0) }}
{% endmacro %}
