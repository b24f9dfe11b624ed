{#-
    Every rule of a model in one statement: `keys`, each a list of columns in which no two rows agree (null counts as a value); `not_null`
    columns; `accepted` values, `between` limits and the pattern that a text `matches`, by column, null passing. Only for what is not a
    table with a contract: there the same rules are constraints, which keep a broken row out instead of finding it.

    Rows found say in `rule` what is broken.
-#}
{% test holds(model, keys=[], not_null=[], accepted={}, between={}, matches={}) %}
    {%- set rules = {} -%}
    {%- for column in not_null -%}
        {%- do rules.update({column ~ " is null": column ~ " is null"}) -%}
    {%- endfor -%}
    {%- for column, values in accepted.items() -%}
        {%- do rules.update({column ~ " is not an accepted value": column ~ "::text not in ('" ~ values | join("', '") ~ "')"}) -%}
    {%- endfor -%}
    {%- for column, limits in between.items() -%}
        {%- do rules.update({
            column ~ " is out of " ~ limits | join(" to "): column ~ " not between " ~ limits | join(" and ")
        }) -%}
    {%- endfor -%}
    {%- for column, pattern in matches.items() -%}
        {%- do rules.update({column ~ " does not match": column ~ " !~ '" ~ pattern ~ "'"}) -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- if rules -%}
        {%- set rows_broken -%}
            select
                case
                    {%- for rule, broken in rules.items() %}
                    when {{ broken }} then '{{ rule }}'
                    {%- endfor %}
                end as rule
            from {{ model }}
            where {{ rules.values() | join(" or ") }}
        {%- endset -%}
        {%- do parts.append(rows_broken) -%}
    {%- endif -%}
    {%- for key in keys -%}
        {%- set copies -%}
            select '{{ key | join(", ") }} occurs twice' as rule
            from {{ model }}
            group by {{ key | join(", ") }}
            having count(*) > 1
        {%- endset -%}
        {%- do parts.append(copies) -%}
    {%- endfor -%}
    {{ parts | join("\nunion all\n") }}
{% endtest %}
