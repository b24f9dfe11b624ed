{#- Every area but the top level has a parent in the same table. -#}
{% test parent_exists(model, code, parent, level, top) %}
    select child.{{ code }}
    from {{ model }} as child
    left join {{ model }} as above on child.{{ parent }} = above.{{ code }}
    where child.{{ level }} <> '{{ top }}' and above.{{ code }} is null
{% endtest %}
