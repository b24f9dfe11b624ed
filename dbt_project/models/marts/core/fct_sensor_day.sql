{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key=["device_id", "metric", "day"],
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[
            {"columns": ["device_id", "metric", "day"], "unique": true},
            {"columns": ["day"]},
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

{%- if is_incremental() %}

touched as (

    select distinct
        device_id,
        metric,
        (hour at time zone 'Asia/Shanghai')::date as day
    from {{ ref("fct_sensor_hour") }}
    where built_at > (select coalesce(max(built_at), '-infinity') from {{ this }})

),

-- with an order of its own the inner query stays one: a day is looked up in the index, however many days there are
hours as (

    select
        hours.*,
        touched.day
    from touched
    cross join lateral (
        select every.*
        from {{ ref("fct_sensor_hour") }} as every
        where
            touched.device_id = every.device_id
            and touched.metric = every.metric
            and touched.day::timestamp at time zone 'Asia/Shanghai' <= every.hour
            and (touched.day + 1)::timestamp at time zone 'Asia/Shanghai' > every.hour
        order by every.hour
    ) as hours

),

{%- else %}

hours as (

    select
        *,
        (hour at time zone 'Asia/Shanghai')::date as day
    from {{ ref("fct_sensor_hour") }}

),

{%- endif %}

computed as (

    select
        device_id,
        metric,
        day,
        min(value_min)::numeric(18, 4) as value_min,
        (sum(value_sum) / sum(reading_count))::numeric(18, 4) as value_mean,
        max(value_max)::numeric(18, 4) as value_max,
        sum(reading_count)::integer as reading_count,
        max(last_observed_at) as last_observed_at,
        false as is_delivered,
        null::bigint as batch_id,
        true as is_new
    from hours
    group by device_id, metric, day

),

delivered as (

    select
        device_id,
        metric,
        day,
        value_min::numeric(18, 4) as value_min,
        value_mean::numeric(18, 4) as value_mean,
        value_max::numeric(18, 4) as value_max,
        reading_count,
        null::timestamptz as last_observed_at,
        true as is_delivered,
        batch_id,
        true as is_new
    from {{ ref("stg_data_resources__sensor_reading_day") }}
    {%- if is_incremental() %}
    where batch_id = any({{ new_batches(["sensor_reading_day"], this) }})
    {%- endif %}

),

statements as (

    select * from computed

    union all

    select * from delivered
    {%- if is_incremental() %}

    union all

    select
        standing.device_id,
        standing.metric,
        standing.day,
        standing.value_min,
        standing.value_mean,
        standing.value_max,
        standing.reading_count,
        standing.last_observed_at,
        standing.is_delivered,
        standing.batch_id,
        false as is_new
    from (
        select
            device_id,
            metric,
            day
        from computed

        union distinct

        select
            device_id,
            metric,
            day
        from delivered
    ) as spoken_of
    inner join {{ this }} as standing
        on
            spoken_of.device_id = standing.device_id
            and spoken_of.metric = standing.metric
            and spoken_of.day = standing.day
    where standing.is_delivered
    {%- endif %}

),

-- a day that a platform handed over counts once and as handed over: the platform saw all of it, the raw readings perhaps a part
newest as (

    select distinct on (statements.device_id, statements.metric, statements.day) statements.*
    from statements
    left join batches on statements.batch_id = batches.batch_id
    order by
        statements.device_id asc,
        statements.metric asc,
        statements.day asc,
        statements.is_delivered desc,
        batches.source_version desc nulls last,
        statements.reading_count desc,
        statements.value_max desc,
        statements.value_mean desc,
        statements.value_min desc,
        statements.batch_id desc

),

final as (

    select
        newest.device_id,
        newest.metric,
        newest.day,
        counties.area_code as county_code,
        newest.value_min::numeric(18, 4) as value_min,
        newest.value_mean::numeric(18, 4) as value_mean,
        newest.value_max::numeric(18, 4) as value_max,
        newest.reading_count,
        newest.last_observed_at,
        newest.is_delivered,
        newest.batch_id,
        {{ built_at() }} as built_at
    from newest
    left join counties on substr(newest.device_id, 1, 6) = counties.area_code
    where newest.is_new

)

select * from final
