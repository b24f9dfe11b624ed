{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="day",
        on_schema_change="fail",
        indexes=[{"columns": ["county_code", "device_kind", "day"], "unique": true}, {"columns": ["built_at"]}]
    )
}}
{#-
    A day some device's figures of which were written is summed anew; all of them are when the register judges some device otherwise, since
    days are shown by the levels of today.
#}
-- depends_on: {{ ref("int_sensor__limit") }}

with

devices as (

    select * from {{ ref("dim_device") }}
    where device_kind in {{ lifeline_kinds() }}

),

{%- if is_incremental() %}

seen as (

    select coalesce(max(built_at), '-infinity') as moment from {{ this }}

),

changed as (

    select day
    from {{ ref("fct_sensor_day") }}
    where built_at > (select seen.moment from seen)
    group by day

    union distinct

    select day
    from {{ ref("fct_sensor_day") }}
    where (select max(limits.built_at) from {{ ref("int_sensor__limit") }} as limits) > (select seen.moment from seen)
    group by day

),

days as (

    select every.*
    from changed
    inner join {{ ref("fct_sensor_day") }} as every on changed.day = every.day

),

{%- else %}

days as (

    select * from {{ ref("fct_sensor_day") }}

),

{%- endif %}

final as (

    select
        devices.county_code,
        devices.device_kind,
        devices.device_kind_label,
        days.day,
        count(*)::integer as devices_reporting,
        sum(days.reading_count)::bigint as readings,
        (count(*) filter (where days.value_max >= devices.level_3))::integer as devices_over,
        (count(*) filter (where days.value_max >= devices.level_1))::integer as devices_over_level_1,
        (count(*) filter (where days.value_max >= devices.level_2 and days.value_max < devices.level_1))::integer
            as devices_over_level_2,
        (count(*) filter (where days.value_max >= devices.level_3 and days.value_max < devices.level_2))::integer
            as devices_over_level_3,
        max(days.value_max / nullif(devices.level_1, 0))::numeric(18, 4) as worst_share_of_level_1,
        max(days.last_observed_at) as observed_at,
        {{ built_at() }} as built_at
    from days
    inner join devices on days.device_id = devices.device_id and days.metric = devices.metric
    group by devices.county_code, devices.device_kind, devices.device_kind_label, days.day

)

select * from final
