{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        meta={"outlives_raw": true},
        pre_hook="{{ cut_alarms() }}",
        indexes=[
            {"columns": ["device_id", "level", "started_at"], "unique": true},
            {"columns": ["started_at"]},
            {"columns": ["built_at"]}
        ]
    )
}}
-- depends_on: {{ ref("stg_ops__transition") }}, {{ ref("int_sensor__limit") }}

with

{%- if is_incremental() %}

devices as (

    select
        registered.*,
        alarm_cut.begins_at
    from alarm_cut
    inner join {{ ref("dim_device") }} as registered on alarm_cut.device_id = registered.device_id
    where registered.level_3 is not null

),

{%- else %}

devices as (

    select
        *,
        '-infinity'::timestamptz as begins_at
    from {{ ref("dim_device") }}
    where level_3 is not null

),

{%- endif %}

levels as (

    select
        devices.*,
        levels.level,
        levels.threshold
    from devices
    cross join lateral (values (1, devices.level_1), (2, devices.level_2), (3, devices.level_3)) as levels (level, threshold)

),

-- the hours in which a level was reached, from the index of hours: the others begin nothing. The order here and below has PostgreSQL
-- look into the index row by row: of the facts of a first build it knows too little to choose that, and reads them whole many times
reached as (

    select
        levels.device_id,
        levels.metric,
        levels.level,
        levels.threshold,
        levels.threshold - levels.hysteresis as clear_below,
        levels.begins_at,
        hours.hour
    from levels
    cross join lateral (
        select every.hour
        from {{ ref("fct_sensor_hour") }} as every
        where
            levels.device_id = every.device_id
            and levels.metric = every.metric
            and levels.threshold <= every.value_max
            {%- if is_incremental() %}
            and date_trunc('hour', levels.begins_at) <= every.hour
            {%- endif %}
        order by every.hour
    ) as hours

),

-- whatever began there has ended with the next hour that fell below the hysteresis
spans as (

    select
        reached.device_id,
        reached.metric,
        reached.level,
        reached.threshold,
        reached.clear_below,
        reached.begins_at,
        range_agg(tstzrange(reached.hour, cleared.hour + interval '1 hour')) as hours
    from reached
    left join lateral (
        select later.hour
        from {{ ref("fct_sensor_hour") }} as later
        where
            reached.device_id = later.device_id
            and reached.metric = later.metric
            and reached.hour < later.hour
            and reached.clear_below > later.value_min
        order by later.hour
        limit 1
    ) as cleared on true
    group by reached.device_id, reached.metric, reached.level, reached.threshold, reached.clear_below, reached.begins_at

),

-- readings in between are not looked at: years of quiet cost nothing
levelled as (

    select
        spans.device_id,
        spans.level,
        spans.threshold,
        spans.clear_below,
        readings.observed_at,
        readings.value
    from spans
    cross join lateral unnest(spans.hours) as span (hours)
    cross join lateral (
        select
            every.observed_at,
            every.value
        from {{ ref("fct_sensor_reading") }} as every
        where
            spans.device_id = every.device_id
            and spans.metric = every.metric
            and greatest(lower(span.hours), spans.begins_at) <= every.observed_at
            and coalesce(upper(span.hours), 'infinity') > every.observed_at
        order by every.observed_at
    ) as readings

),

spells as (
    {{ hysteresis_spells("levelled", ["device_id", "level", "threshold"], "observed_at", "value", "threshold", "clear_below") }}

),

-- levels are nested: the gravest one reached while the lowest stood
gravest as (

    select
        lowest.device_id,
        lowest.started_at as event_started_at,
        lowest.ended_at as event_ended_at,
        min(spells.level) as gravest_level
    from spells as lowest
    inner join spells
        on
            lowest.device_id = spells.device_id
            and lowest.started_at <= spells.started_at
            and coalesce(lowest.ended_at, 'infinity') > spells.started_at
    where lowest.level = 3
    group by lowest.device_id, lowest.started_at, lowest.ended_at

),

cases as (

    select distinct on (gravest.device_id, gravest.event_started_at)
        gravest.device_id,
        gravest.event_started_at,
        filed.case_number,
        filed.handled_at
    from gravest
    inner join {{ ref("stg_ops__case") }} as filed
        on
            gravest.device_id = filed.device_id
            and gravest.event_started_at <= filed.found_at
            and coalesce(gravest.event_ended_at, 'infinity') >= filed.found_at
    order by gravest.device_id asc, gravest.event_started_at asc, filed.found_at asc, filed.case_number asc

),

responded as (

    select
        gravest.*,
        cases.case_number,
        case when cases.case_number is not null then cases.handled_at else gravest.event_ended_at end as responded_at
    from gravest
    left join cases on gravest.device_id = cases.device_id and gravest.event_started_at = cases.event_started_at

),

final as (

    select
        spells.device_id,
        devices.county_code,
        devices.device_kind,
        devices.metric,
        spells.level,
        spells.threshold::numeric(18, 4) as threshold,
        spells.started_at,
        spells.ended_at,
        spells.ended_at is null as is_open,
        spells.peak_value::numeric(18, 4) as peak_value,
        spells.peak_at,
        spells.reading_count,
        spells.last_observed_at,
        round(extract(epoch from coalesce(spells.ended_at, spells.last_observed_at) - spells.started_at) / 60)::integer as stood_minutes,
        responded.event_started_at,
        responded.gravest_level,
        spells.level = 3 as is_event,
        responded.case_number,
        responded.responded_at,
        case
            when responded.responded_at is null then null
            when responded.case_number is not null then 'case'
            else 'reading'
        end as response_basis,
        round(extract(epoch from responded.responded_at - responded.event_started_at) / 60)::integer as response_minutes,
        {{ built_at() }} as built_at
    from spells
    inner join devices on spells.device_id = devices.device_id
    inner join responded
        on
            spells.device_id = responded.device_id
            and spells.started_at >= responded.event_started_at
            and spells.started_at < coalesce(responded.event_ended_at, 'infinity')

)

select * from final
