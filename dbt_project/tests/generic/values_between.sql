{#- Every given column lies between the limits or is null: one pass over the model for all of them. -#}
{% test values_between(model, columns, minimum, maximum) %}
    select {{ columns | join(", ") }} from {{ model }}
    where
    {%- for column in columns %}
        {{ "or" if not loop.first }} {{ column }} < {{ minimum }} or {{ column }} > {{ maximum }}
    {%- endfor %}
{% endtest %}
