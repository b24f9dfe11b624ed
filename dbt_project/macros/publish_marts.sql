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
        {%- set built = built_tables() -%}
        {%- set tests = tests_of_marts() -%}
        {%- do record_checks(built, tests, outcomes) -%}
        {%- set published = published_tables() -%}
        {%- set passed = passed_tests() -%}
        {%- for mart in display_marts() if mart.alias in built and published.get(mart.alias) != built[mart.alias] -%}
            {%- if tests.get(mart.unique_id, []) | reject("in", passed.get(mart.alias, [])) | list | length == 0 -%}
                {%- do publish_mart(mart, built[mart.alias]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro display_marts() %}
    {{ return(graph.nodes.values() | selectattr("resource_type", "equalto", "model")
        | selectattr("schema", "equalto", "marts_build") | sort(attribute="alias") | list) }}
{% endmacro %}

{#- The tests of each model, by unique id. -#}
{% macro tests_of_marts() %}
    {%- set found = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == "test" -%}
        {%- for model in node.depends_on.nodes -%}
            {%- do found.setdefault(model, []).append(node.unique_id) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- The oid of each table that stands in marts_build, by name. -#}
{% macro built_tables() %}
    {{ return(by_name("select relname, oid::bigint from pg_catalog.pg_class"
        ~ " where relnamespace = 'marts_build'::regnamespace and relkind = 'r'")) }}
{% endmacro %}

{#- The oid of the build that stands in marts, by name. -#}
{% macro published_tables() %}
    {{ return(by_name("select mart, build_oid from meta.mart_publication where to_regclass('marts.' || quote_ident(mart)) is not null")) }}
{% endmacro %}

{#- Names of the tests that passed on the table which stands in marts_build, by mart. -#}
{% macro passed_tests() %}
    {{ return(by_name("select checked.mart, string_agg(checked.test, ' ') from meta.mart_check as checked"
        ~ " where checked.passed and checked.build_oid = to_regclass('marts_build.' || quote_ident(checked.mart))::oid::bigint"
        ~ " group by checked.mart", texts=true)) }}
{% endmacro %}

{% macro by_name(query, texts=false) %}
    {%- set found = {} -%}
    {%- for row in run_query(query) -%}
        {%- do found.update({row[0]: row[1].split(" ") if texts else row[1]}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{% macro record_checks(built, tests, outcomes) %}
    {%- set checks = [] -%}
    {%- for mart in display_marts() if mart.alias in built -%}
        {%- for test in tests.get(mart.unique_id, []) if outcomes.get(test) in ["pass", "warn", "fail", "error"] -%}
            {%- do checks.append(
                "('" ~ mart.alias ~ "', '" ~ test ~ "', " ~ built[mart.alias] ~ ", " ~ (outcomes[test] in ["pass", "warn"]) ~ ")"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if checks -%}
        {%- do run_query(
            "insert into meta.mart_check (mart, test, build_oid, passed) values " ~ checks | join(", ")
            ~ " on conflict (mart, test) do update"
            ~ " set build_oid = excluded.build_oid, passed = excluded.passed, checked_at = excluded.checked_at"
        ) -%}
        {%- do run_query("commit") -%}
    {%- endif -%}
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
