{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key=["vehicle_code", "day"],
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[{"columns": ["vehicle_code", "day"], "unique": true}, {"columns": ["loaded_at"]}]
    )
}}
{#-
    A vehicle's day is worked out anew from all its points whenever some of them are new: gaps and kilometres lie between points of
    different deliveries too. A gap counts as silence from 30 minutes on, and only when the engine was on before it.
-#}
with

track as (

    select * from {{ ref("stg_transport__vehicle_track") }}

),

batches as (

    select * from {{ ref("stg_meta__batch") }}

),

vehicles as (

    select * from {{ ref("dim_vehicle") }}

),

affected as (

    select distinct
        vehicle_code,
        day
    from track
    {%- if is_incremental() %}
    where batch_id = any({{ recent_batches("vehicle_track", held=false) }})
    {%- endif %}

),

points as (

    -- of a point that came twice the newest statement counts; equal versions are told apart by what they say
    select distinct on (track.vehicle_code, track.observed_at) track.*
    from track
    inner join affected on track.vehicle_code = affected.vehicle_code and track.day = affected.day
    {%- if is_incremental() %}
    -- a delivery says nothing of the days after its own
    where
        track.batch_id = any(array(
            select batches.batch_id from batches
            where
                batches.dataset = 'vehicle_track'
                and batches.state = 'loaded'
                and batches.logical_date >= (select min(affected.day) - 1 from affected)
        ))
    {%- endif %}
    order by
        track.vehicle_code asc,
        track.observed_at asc,
        track.source_version desc,
        track.longitude desc,
        track.latitude desc,
        track.speed_kmh desc,
        track.engine_on desc,
        track.batch_id desc,
        track.line desc

),

limited as (

    select
        points.*,
        points.speed_kmh > vehicles.speed_limit_kmh as is_speeding,
        (points.observed_at at time zone 'Asia/Shanghai')::time
        not between vehicles.permitted_from and vehicles.permitted_until as is_outside_hours
    from points
    left join vehicles on points.vehicle_code = vehicles.vehicle_code

),

stepped as (

    select
        *,
        lag(observed_at) over of_day as before_at,
        lag(longitude) over of_day as before_longitude,
        lag(latitude) over of_day as before_latitude,
        lag(engine_on) over of_day as before_engine_on,
        lag(is_speeding) over of_day as before_is_speeding
    from limited
    window of_day as (partition by vehicle_code, day order by observed_at)

),

measured as (

    select
        *,
        extract(epoch from observed_at - before_at)::double precision / 60 as gap_minutes,
        {{ haversine_km("before_longitude", "before_latitude", "longitude", "latitude") }} as step_km
    from stepped

),

final as (

    select
        vehicle_code,
        day,
        count(*)::integer as points,
        min(observed_at) as first_at,
        max(observed_at) as last_at,
        -- a leap at more than 200 km/h is the receiver's, not the vehicle's
        coalesce(
            sum(step_km) filter (where gap_minutes <= 30 and step_km * 60 <= 200 * gap_minutes), 0
        )::numeric(18, 4) as km,
        coalesce(sum(gap_minutes) filter (where gap_minutes > 30 and before_engine_on), 0)::integer as silent_minutes,
        (count(*) filter (where is_speeding and before_is_speeding is not true))::integer as speed_violations,
        max(speed_kmh)::numeric(18, 4) as top_speed_kmh,
        coalesce(sum(gap_minutes) filter (where is_outside_hours and speed_kmh > 5 and gap_minutes <= 30), 0)::integer
            as minutes_outside_hours,
        max(loaded_at) as loaded_at
    from measured
    group by vehicle_code, day

)

select * from final
