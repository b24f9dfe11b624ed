{#-
    Raw tables keep every version of every row. These two macros say which one counts; both give a total order, so the answer does not
    depend on the order in which deliveries arrived.
-#}

{#- Snapshot datasets: the rows of the newest loaded delivery. -#}
{% macro newest_snapshot(dataset) %}
    select rows_of_batch.*
    from {{ source(dataset[0], dataset[1]) }} as rows_of_batch
    where rows_of_batch._batch_id = (
        select batch.batch_id
        from {{ source("meta", "batch") }} as batch
        where batch.dataset = '{{ dataset[1] }}' and batch.state = 'loaded' and batch.rows_loaded > 0
        order by batch.logical_date desc, batch.source_version desc, batch.sha256 desc
        limit 1
    )
{% endmacro %}

{#- Increment datasets: per key the row of the newest version; equal versions are told apart by what they say. -#}
{% macro newest_statement(dataset, key) %}
    select distinct on ({{ key | join(", ") }}) versions.*
    from {{ source(dataset[0], dataset[1]) }} as versions
    order by
        {{ key | join(", ") }},
        versions._source_version desc,
        (to_jsonb(versions) - '{_batch_id,_line,_object_key,_source_version,_logical_date,_loaded_at}'::text[])::text desc,
        versions._batch_id desc,
        versions._line desc
{% endmacro %}
