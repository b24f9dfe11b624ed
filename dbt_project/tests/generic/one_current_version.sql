{#- At most one open version per key, and versions of a key do not overlap. -#}
{% test one_current_version(model, key) %}
    select {{ key }}
    from (
        select {{ key }}, valid_from, valid_to, lead(valid_from) over (partition by {{ key }} order by valid_from) as next_from
        from {{ model }}
    ) as versions
    where next_from is not null and (valid_to is null or valid_to > next_from)
{% endtest %}
