{#-
    Loaded batches of `datasets` of which `known` (a fact with an indexed batch_id) holds no row yet: exact whatever the order in which
    batches commit, and as cheap as one look into an index for each batch. A batch none of whose rows counts is looked at again; that
    changes nothing.
-#}
{% macro new_batches(datasets, known) %}
    array(
        select arrived.batch_id from {{ ref("stg_meta__batch") }} as arrived
        where
            arrived.dataset in ('{{ datasets | join("', '") }}')
            and arrived.state = 'loaded'
            and not exists (select 1 from {{ known }} as held where held.batch_id = arrived.batch_id)
    )
{% endmacro %}

{#- The moment a row was written by a build: builds never overlap, so whatever reads the fact next finds what it has not seen. -#}
{% macro built_at() %}'{{ run_started_at }}'::timestamptz{% endmacro %}
