{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key=["device_id", "metric", "observed_at"],
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[
            {"columns": ["device_id", "metric", "observed_at"], "unique": true},
            {"columns": ["batch_id"]},
            {"columns": ["built_at"]}
        ]
    )
}}

with

batches as (

    select * from {{ ref("stg_meta__batch") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

delta as (

    select
        device_id,
        metric,
        observed_at,
        value::numeric(18, 4) as value,
        quality,
        seq,
        batch_id,
        true as is_new
    from {{ ref("int_sensor__reading") }}
    {%- if is_incremental() %}
    where batch_id = any({{ new_batches(["sensor_reading", "sensor_reading_live"], this) }})
    {%- endif %}

),

{%- if is_incremental() %}

spoken_of as (

    select distinct
        device_id,
        metric,
        observed_at
    from delta

),

-- with an order of its own the inner query stays one: a reading is looked up in the index, however long the history
standing as (

    select looked_up.*
    from spoken_of
    cross join lateral (
        select every.*
        from {{ this }} as every
        where
            spoken_of.device_id = every.device_id
            and spoken_of.metric = every.metric
            and spoken_of.observed_at = every.observed_at
        order by every.observed_at
    ) as looked_up

),

{%- endif %}

statements as (

    select * from delta
    {%- if is_incremental() %}

    union all

    -- what the fact says already about the same readings: the newer statement counts, whichever arrived first
    select
        standing.device_id,
        standing.metric,
        standing.observed_at,
        standing.value,
        standing.quality,
        standing.seq,
        standing.batch_id,
        false as is_new
    from standing
    {%- endif %}

),

newest as (

    select distinct on (statements.device_id, statements.metric, statements.observed_at) statements.*
    from statements
    inner join batches on statements.batch_id = batches.batch_id
    order by
        statements.device_id asc,
        statements.metric asc,
        statements.observed_at asc,
        batches.source_version desc,
        statements.value desc nulls last,
        statements.quality desc nulls last,
        statements.seq desc nulls last,
        statements.batch_id desc

),

final as (

    select
        newest.device_id,
        newest.metric,
        newest.observed_at,
        -- a device's id begins with the code of its county
        counties.area_code as county_code,
        newest.value,
        newest.quality,
        newest.seq,
        newest.batch_id,
        {{ built_at() }} as built_at
    from newest
    left join counties on substr(newest.device_id, 1, 6) = counties.area_code
    where newest.is_new

)

select * from final
