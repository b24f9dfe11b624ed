{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key=["device_id", "metric", "hour"],
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[
            {"columns": ["device_id", "metric", "hour"], "unique": true},
            {"columns": ["device_id", "metric", "value_max"]},
            {"columns": ["built_at"]}
        ]
    )
}}

with

{%- if is_incremental() %}

touched as (

    select distinct
        device_id,
        metric,
        date_trunc('hour', observed_at) as hour
    from {{ ref("fct_sensor_reading") }}
    where built_at > (select coalesce(max(built_at), '-infinity') from {{ this }})

),

-- with an order of its own the inner query stays one: an hour is looked up in the index, however many hours there are
readings as (

    select
        reading.*,
        touched.hour
    from touched
    cross join lateral (
        select every.*
        from {{ ref("fct_sensor_reading") }} as every
        where
            touched.device_id = every.device_id
            and touched.metric = every.metric
            and touched.hour <= every.observed_at
            and touched.hour + interval '1 hour' > every.observed_at
        order by every.observed_at
    ) as reading

),

{%- else %}

readings as (

    select
        *,
        date_trunc('hour', observed_at) as hour
    from {{ ref("fct_sensor_reading") }}

),

{%- endif %}

final as (

    select
        device_id,
        metric,
        hour,
        max(county_code) as county_code,
        min(value)::numeric(18, 4) as value_min,
        sum(value)::numeric(24, 4) as value_sum,
        max(value)::numeric(18, 4) as value_max,
        count(*)::integer as reading_count,
        (count(*) filter (where quality <> 'good'))::integer as doubtful_count,
        max(observed_at) as last_observed_at,
        {{ built_at() }} as built_at
    from readings
    group by device_id, metric, hour

)

select * from final
