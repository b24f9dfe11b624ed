{#-
    Raw tables keep every version of every row. These macros say which one counts; all give a total order, so the answer does not
    depend on the order in which deliveries arrived. Bytes that are delivered again, after something else was, count again: their
    batch stands with the newest day and version they came with, and so do its rows.
-#}

{#- Snapshot datasets: the rows of the newest loaded delivery. -#}
{% macro newest_snapshot(dataset) %}
    select {{ columns_as_stated(dataset) }}
    from {{ source(dataset[0], dataset[1]) }} as versions
    inner join {{ source("meta", "batch") }} as stated on versions._batch_id = stated.batch_id
    where versions._batch_id = (
        select newest.batch_id
        from {{ source("meta", "newest_delivery") }} as newest
        where newest.dataset = '{{ dataset[1] }}'
    )
{% endmacro %}

{#- Increment datasets: per key the row of the newest version; equal versions are told apart by what they say. -#}
{% macro newest_statement(dataset, key) %}
    select distinct on ({{ prefixed("versions", key) }}) {{ columns_as_stated(dataset) }}
    from {{ source(dataset[0], dataset[1]) }} as versions
    left join {{ source("meta", "batch") }} as stated on versions._batch_id = stated.batch_id
    order by
        {{ prefixed("versions", key) }},
        coalesce(stated.newest_version, stated.source_version) desc nulls last,
        {{ what_a_row_says() }} desc,
        versions._batch_id desc,
        versions._line desc
{% endmacro %}

{#-
    Increment datasets whose fact is incremental: every version, for newest_statements below to settle which counts. A plain
    projection: asked for a few batches, it reads a few batches.
-#}
{% macro every_statement(dataset) %}
    select
        {{ columns_as_stated(dataset) }},
        {{ what_a_row_says() }} as _statement
    from {{ source(dataset[0], dataset[1]) }} as versions
    left join {{ source("meta", "batch") }} as stated on versions._batch_id = stated.batch_id
{% endmacro %}

{#-
    Per key the row of the newest version, as newest_statement has it, out of the staging model `versions` of dataset `dataset`. An
    incremental fact that holds batch_id, line and loaded_at, indexed like its key, gets the keys that deliveries of late speak of: what
    those say, against the row that stands, found by its batch and line. With an order of its own the query of the fact stays one: a key
    is looked up in the index, however long the fact's history. `also` is a condition on the fact's rows of which more
    must be worked out anew.
-#}
{% macro newest_statements(versions, dataset, key, also=none) %}
    {%- set statements = ref(versions) -%}
    {%- set recent = recent_batches(dataset) -%}
    select distinct on ({{ prefixed("versions", key) }}) versions.*
    from
        {%- if not is_incremental() %}
        {{ statements }} as versions
        {%- else %}
        (
            select arrived.*
            from {{ statements }} as arrived
            where arrived.batch_id = any({{ recent }})

            union all

            select standing.*
            from (
                select distinct {{ prefixed("arrived", key) }}
                from {{ statements }} as arrived
                where arrived.batch_id = any({{ recent }})
            ) as spoken_of
            cross join lateral (
                select
                    looked_up.batch_id,
                    looked_up.line
                from {{ this }} as looked_up
                where {% for column in key %}{{ "and " if not loop.first }}spoken_of.{{ column }} = looked_up.{{ column }} {% endfor %}
                order by looked_up.batch_id
            ) as known
            inner join {{ statements }} as standing on known.batch_id = standing.batch_id and known.line = standing.line
            {%- if also %}

            union all

            select standing.*
            from {{ this }} as known
            inner join {{ statements }} as standing on known.batch_id = standing.batch_id and known.line = standing.line
            where known.{{ also }}
            {%- endif %}
        ) as versions
        {%- endif %}
    order by
        {{ prefixed("versions", key) }},
        versions.source_version desc,
        versions.statement desc,
        versions.batch_id desc,
        versions.line desc
{% endmacro %}

{#-
    Batches of `dataset` that the fact has yet to take in: loaded and none of their rows held, or delivered again and so counting anew.
    What came a day before the fact's newest row is looked at too, because a batch may commit after one that was stamped later. A fact
    of sums has no batch_id to look into: `held` is false, and it takes that day in again.
-#}
{% macro recent_batches(dataset, held=true) %}
    {%- set batches = ref("stg_meta__batch") -%}
    {%- set since -%}
        (select coalesce(max(newest.loaded_at), '-infinity') - interval '1 day' from {{ this }} as newest)
    {%- endset -%}
    array(
        select recent.batch_id
        from {{ batches }} as recent
        where
            recent.dataset = '{{ dataset }}'
            and recent.state = 'loaded'
            and (
                recent.restated_at > {{ since }}
                or recent.settled_at > {{ since }}
                {%- if held %}
                and not exists (select 1 from {{ this }} as known where known.batch_id = recent.batch_id)
                {%- endif %}
            )
    )
{%- endmacro %}

{#-
    The rows as the platform knew them at `moment`, a SQL expression of type timestamptz: only what had been loaded by then, and
    deliveries by the day and version known then. Valid time is what rows say of themselves and `_logical_date`; transaction time is
    `_loaded_at`. `key` as for newest_statement; none for a snapshot dataset.
-#}
{% macro as_known_at(dataset, key, moment) %}
    {%- set order = "delivery.source_version desc" if key else "delivery.logical_date desc, delivery.source_version desc" -%}
    with

    known as (

        select distinct on (batch.batch_id)
            batch.batch_id,
            batch.sha256,
            batch.object_key,
            batch.source_version,
            coalesce(delivery.logical_date, batch.logical_date) as newest_logical_date,
            coalesce(delivery.source_version, batch.source_version) as newest_version,
            delivery.delivered_at as restated_at
        from {{ source("meta", "batch") }} as batch
        inner join {{ source("meta", "delivery") }} as delivery on batch.batch_id = delivery.batch_id
        where
            batch.dataset = '{{ dataset[1] }}' and batch.state = 'loaded' and batch.rows_loaded > 0
            and delivery.delivered_at <= {{ moment }}
        order by batch.batch_id, {{ order }}

    ),

    rows_known as (

        select versions.* from {{ source(dataset[0], dataset[1]) }} as versions
        where versions._loaded_at <= {{ moment }}

    )

    {% if key -%}
    select distinct on ({{ prefixed("versions", key) }}) {{ columns_as_stated(dataset) }}
    from rows_known as versions
    inner join known as stated on versions._batch_id = stated.batch_id
    order by
        {{ prefixed("versions", key) }},
        stated.newest_version desc,
        {{ what_a_row_says() }} desc,
        versions._batch_id desc,
        versions._line desc
    {%- else -%}
    select {{ columns_as_stated(dataset) }}
    from rows_known as versions
    inner join known as stated on versions._batch_id = stated.batch_id
    where versions._batch_id = (
        select known.batch_id
        from known
        where exists (select 1 from rows_known where rows_known._batch_id = known.batch_id)
        order by known.newest_logical_date desc, known.newest_version desc, known.sha256 desc
        limit 1
    )
    {%- endif %}
{% endmacro %}

{#- The columns of `versions`; its day, version, object and loading time as `stated`, its batch, has them. -#}
{% macro columns_as_stated(dataset) %}
    {%- set lineage = {
        "_logical_date": "coalesce(stated.newest_logical_date, versions._logical_date) as _logical_date",
        "_loaded_at": "greatest(versions._loaded_at, stated.restated_at) as _loaded_at",
    } -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == dataset[0] and node.name == dataset[1] -%}
            {%- for name in node.columns -%}
                {%- do columns.append(lineage.get(name, "versions." ~ name)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do columns.extend([
        "coalesce(stated.newest_version, stated.source_version) as _source_version", "stated.object_key as _object_key",
    ]) if columns -%}
    {{- columns | join(", ") if columns else "versions.*" -}}
{% endmacro %}

{% macro prefixed(table, names) %}
    {%- for name in names %}{{ table }}.{{ name }}{{ ", " if not loop.last }}{% endfor -%}
{% endmacro %}

{#- A hash: short to sort by, and nothing of what a row says about people leaves raw. -#}
{% macro what_a_row_says() -%}
    md5((to_jsonb(versions) - '{_batch_id,_line,_object_key,_source_version,_logical_date,_loaded_at}'::text[])::text)
{%- endmacro %}
