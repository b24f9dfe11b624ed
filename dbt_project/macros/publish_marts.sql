{#-
    Display marts are built beside (schema marts_build), tested there, and swapped into schema marts here, at the end of the invocation.

    A mart goes out when every one of its tests has passed on the table that now stands in marts_build. Outcomes are kept in
    meta.mart_check with the oid of the table they looked at, so a `dbt retry` that runs only what was missing completes the picture,
    and a rebuilt table needs all its tests anew. A mart whose test fails keeps the rows it had.
-#}
{% macro publish_marts(results) %}
    {%- if execute and flags.WHICH in ["build", "run", "test", "retry"] -%}
        {%- set outcomes = {} -%}
        {%- for result in results -%}
            {%- do outcomes.update({result.node.unique_id: result.status | string}) -%}
        {%- endfor -%}
        {%- for mart in display_marts() -%}
            {%- set built = built_table(mart.alias) -%}
            {%- if built is not none -%}
                {%- set tests = tests_of(mart.unique_id) -%}
                {%- do record_checks(mart.alias, built, tests, outcomes) -%}
                {%- if is_publishable(mart.alias, built, tests) -%}{%- do publish_mart(mart, built) -%}{%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro display_marts() %}
    {{ return(graph.nodes.values() | selectattr("resource_type", "equalto", "model")
        | selectattr("schema", "equalto", "marts_build") | sort(attribute="alias") | list) }}
{% endmacro %}

{% macro tests_of(unique_id) %}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == "test" and unique_id in node.depends_on.nodes -%}
        {%- do found.append(node.unique_id) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- The oid of the table of that name in marts_build; none when it was never built. -#}
{% macro built_table(name) %}
    {%- set rows = run_query("select to_regclass('marts_build." ~ adapter.quote(name) ~ "')::oid::bigint as oid") -%}
    {{ return(rows[0]["oid"]) }}
{% endmacro %}

{% macro record_checks(mart, built, tests, outcomes) %}
    {%- for test in tests if outcomes.get(test) in ["pass", "warn", "fail", "error"] -%}
        {%- do run_query(
            "insert into meta.mart_check (mart, test, build_oid, passed) values ('" ~ mart ~ "', '" ~ test ~ "', " ~ built ~ ", "
            ~ (outcomes[test] in ["pass", "warn"]) ~ ") on conflict (mart, test) do update"
            ~ " set build_oid = excluded.build_oid, passed = excluded.passed, checked_at = excluded.checked_at"
        ) -%}
    {%- endfor -%}
    {%- do run_query("commit") -%}
{% endmacro %}

{% macro is_publishable(mart, built, tests) %}
    {%- set published = run_query(
        "select 1 from meta.mart_publication where mart = '" ~ mart ~ "' and build_oid = " ~ built
        ~ " and to_regclass('marts." ~ adapter.quote(mart) ~ "') is not null"
    ) | length > 0 -%}
    {%- set passed = run_query(
        "select test from meta.mart_check where mart = '" ~ mart ~ "' and build_oid = " ~ built ~ " and passed"
    ) -%}
    {%- set passed_tests = passed.columns["test"].values() | list if passed | length > 0 else [] -%}
    {{ return(not published and (tests | reject("in", passed_tests) | list | length == 0)) }}
{% endmacro %}

{#-
    One transaction: readers see the old rows, then the new ones, under the same grants and policies. All of it is one text, because
    psycopg2 opens no transaction of its own for what follows a commit in SQL. A view that somebody put on the old table stops the swap.
-#}
{% macro publish_mart(mart, built) %}
    {%- set source = api.Relation.create(database=target.database, schema="marts_build", identifier=mart.alias, type="table") -%}
    {%- set next = api.Relation.create(database=target.database, schema="marts", identifier=mart.alias ~ "__next", type="table") -%}
    {%- set live = api.Relation.create(database=target.database, schema="marts", identifier=mart.alias, type="table") -%}
    {%- set swap -%}
        begin;
        set local lock_timeout = '60s';
        create table {{ next }} (like {{ source }} including all);
        {{ lock_relation(next, shaped_like=source) }}
        {{ grant_to_services(next, mart) }}
        insert into {{ next }} select * from {{ source }};
        comment on table {{ next }} is $comment${{ mart.description }}$comment$;
        drop table if exists {{ live }};
        alter table {{ next }} rename to {{ adapter.quote(mart.alias) }};
        insert into meta.mart_publication (mart, build_oid, published_rows, published_at)
        select '{{ mart.alias }}', {{ built }}, count(*), clock_timestamp() from {{ live }}
        on conflict (mart) do update set
            build_oid = excluded.build_oid,
            published_rows = excluded.published_rows,
            published_at = excluded.published_at;
        commit;
    {%- endset -%}
    {%- do run_query(swap) -%}
    {%- do run_query("analyze " ~ live) -%}
    {{ log("published " ~ live, info=true) }}
{% endmacro %}
