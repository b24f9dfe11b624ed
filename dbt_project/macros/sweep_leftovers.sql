{#-
    Drops what a killed run leaves behind: dbt's swap names and half-published marts. One build runs at a time (the caller holds a lock),
    so nobody else's are taken. Dropping through the adapter keeps dbt's own list of relations right.
-#}
{% macro sweep_leftovers() %}
    {%- if execute and flags.WHICH in ["build", "run", "retry"] -%}
        {%- set leftovers = run_query(
            "select n.nspname, c.relname, c.relkind = 'v' as is_view from pg_catalog.pg_class as c"
            ~ " inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid"
            ~ " where n.nspname in ('staging', 'intermediate', 'marts_build', 'marts', 'snapshots') and c.relkind in ('r', 'v')"
            ~ " and (c.relname ~ '__dbt_(backup|tmp)[0-9]*$' or (n.nspname = 'marts' and c.relname ~ '__next$'))"
        ) -%}
        {%- for row in leftovers -%}
            {%- set relation = api.Relation.create(
                database=target.database, schema=row["nspname"], identifier=row["relname"],
                type="view" if row["is_view"] else "table"
            ) -%}
            {{ log("dropping " ~ relation ~ ", left by a run that did not end", info=true) }}
            {%- do adapter.drop_relation(relation) -%}
        {%- endfor -%}
        {%- if leftovers | length > 0 %}{% do run_query("commit") %}{% endif -%}
    {%- endif -%}
{% endmacro %}
