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

readings as (

    select
        reading.*,
        touched.hour
    from touched
    inner join {{ ref("fct_sensor_reading") }} as reading
        on
            touched.device_id = reading.device_id
            and touched.metric = reading.metric
            and touched.hour <= reading.observed_at
            and touched.hour + interval '1 hour' > reading.observed_at

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
