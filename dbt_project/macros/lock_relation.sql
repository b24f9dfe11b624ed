{#-
    The statements that put a table of schema marts under row security; they run in the transaction that makes the table.
    `shaped_like` is a relation with the same columns, for a table that does not stand yet.

    Row security is forced, so the owner is held to it too. The building role sees and writes everything. Readers see what their scope
    roles allow: citybrain_scope_city every row, citybrain_scope_<county code> the rows of that county. A table without county_code is
    reference data of the whole city: any scope role reads it. No scope role, no rows.
-#}
{% macro lock_relation(relation, shaped_like=none) %}
    {%- set columns = adapter.get_columns_in_relation(shaped_like or relation) | map(attribute="name") | list -%}
    alter table {{ relation }} enable row level security;
    alter table {{ relation }} force row level security;
    drop policy if exists built_by on {{ relation }};
    create policy built_by on {{ relation }} for all to {{ adapter.quote(target.user) }} using (true) with check (true);
    drop policy if exists read_in_scope on {{ relation }};
    create policy read_in_scope on {{ relation }} for select to public
    {%- if "county_code" in columns %} using ({{ reader_has_scope_of("county_code") }});
    {%- else %} using ({{ reader_has_any_scope() }});
    {%- endif %}
    revoke all on {{ relation }} from public;
    grant select on {{ relation }} to {{ readers() | join(", ") }};
{% endmacro %}

{#- Subqueries without a reference to the row: PostgreSQL asks for the reader's roles once a query, not once a row. -#}
{% macro reader_has_scope_of(column) -%}
    (select pg_has_role(current_user, 'citybrain_scope_city', 'member'))
    or {{ column }} = any (array(
        select substr(rolname, 17) from pg_catalog.pg_roles
        where rolname ~ '^citybrain_scope_[0-9]{6}$' and pg_has_role(current_user, oid, 'member')
    ))
{%- endmacro %}

{% macro reader_has_any_scope() -%}
    (select count(*) > 0 from pg_catalog.pg_roles
     where rolname ~ '^citybrain_scope_(city|[0-9]{6})$' and pg_has_role(current_user, oid, 'member'))
{%- endmacro %}

{#- Who may select from the marts: the dashboards' login and every scope role. Row security decides what they see. -#}
{% macro readers() %}
    {%- set names = run_query(
        "select quote_ident(rolname) from pg_catalog.pg_roles"
        ~ " where rolname = 'citybrain_bi_reader' or rolname ~ '^citybrain_scope_(city|[0-9]{6})$' order by rolname"
    ) -%}
    {{ return(names.columns[0].values() | list if execute else []) }}
{% endmacro %}

{#- What `meta.read_by` of a model names may select from its table, too: services that read one mart, not all of them. -#}
{% macro grant_to_services(relation, model) %}
    {%- for role in model.config.meta.get("read_by", []) %}
    grant select on {{ relation }} to {{ adapter.quote(role) }};
    {%- endfor %}
{% endmacro %}
