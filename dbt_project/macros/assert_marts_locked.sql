{#- Ends the build with an error when anything in the served schemas would show rows that row security should hide. -#}
{% macro assert_marts_locked() %}
    {%- if execute and flags.WHICH in ["build", "run", "retry", "seed", "snapshot"] -%}
        {%- set open_relations = run_query(unlocked_relations()) -%}
        {%- if open_relations | length > 0 -%}
            {%- set found = [] -%}
            {%- for row in open_relations %}{% do found.append(row["relation"] ~ " " ~ row["fault"]) %}{% endfor -%}
            {{ exceptions.raise_compiler_error("row security: " ~ found | join("; ")) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#- One row per fault: (relation, fault). Empty when every mart is locked. -#}
{% macro unlocked_relations() %}
    with relations as (
        select
            c.oid,
            n.nspname,
            c.relkind,
            n.nspname || '.' || c.relname as relation,
            c.relrowsecurity and c.relforcerowsecurity as is_forced,
            coalesce(c.reloptions::text ~ 'security_invoker=(true|on)', false) as is_invoker,
            pg_get_userbyid(c.relowner) as owner
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('marts', 'marts_build', 'intermediate', 'staging') and c.relkind in ('r', 'p', 'v', 'm')
    )

    select relation, 'is a table without forced row security' as fault
    from relations where nspname = 'marts' and relkind in ('r', 'p') and not is_forced
    union all
    select relation, 'is a view without security_invoker'
    from relations where relkind = 'v' and not is_invoker
    union all
    select relation, 'is a materialized view: row security cannot hold on it'
    from relations where nspname = 'marts' and relkind = 'm'
    union all
    select relation, 'belongs to ' || owner
    from relations where nspname = 'marts' and owner <> '{{ target.user }}'
    union all
    select r.relation, 'has a permissive policy of another name: ' || p.polname
    from relations as r
    inner join pg_catalog.pg_policy as p on r.oid = p.polrelid
    where r.nspname = 'marts' and p.polpermissive and p.polname not in ('built_by', 'read_in_scope')
{% endmacro %}
