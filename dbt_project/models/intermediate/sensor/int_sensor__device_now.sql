with

devices as (

    select * from {{ ref("dim_device") }}
    where is_in_service

),

-- of each device the newest day with a reading: a look into the index of days, not a reading of years
last_read as (

    select
        devices.device_id,
        devices.metric,
        newest.last_observed_at
    from devices
    cross join lateral (
        select days.last_observed_at
        from {{ ref("fct_sensor_day") }} as days
        where devices.device_id = days.device_id and devices.metric = days.metric and not days.is_delivered
        order by days.day desc
        limit 1
    ) as newest

),

newest as (

    select
        devices.device_kind,
        max(last_read.last_observed_at) as kind_observed_at
    from devices
    inner join last_read on devices.device_id = last_read.device_id and devices.metric = last_read.metric
    group by devices.device_kind

),

final as (

    select
        devices.device_id,
        devices.device_kind,
        devices.device_kind_label,
        devices.place_name,
        devices.county_code,
        devices.lon,
        devices.lat,
        devices.owner_department_name,
        devices.owner_unit,
        devices.status,
        devices.unit,
        devices.loaded_at,
        last_read.last_observed_at,
        newest.kind_observed_at,
        -- a kind that never reported says nothing about its devices
        coalesce(
            last_read.last_observed_at >= newest.kind_observed_at - devices.cadence_minutes * interval '1 minute', false
        ) as is_online,
        (extract(epoch from newest.kind_observed_at - last_read.last_observed_at) / 3600)::numeric(18, 1) as hours_silent
    from devices
    left join newest on devices.device_kind = newest.device_kind
    left join last_read on devices.device_id = last_read.device_id and devices.metric = last_read.metric

)

select * from final
