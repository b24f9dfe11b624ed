with

devices as (

    select * from {{ ref("int_sensor__device_now") }}
    where device_kind in {{ lifeline_kinds() }}

),

alarms as (

    select
        *,
        max(last_observed_at) over () as newest_at
    from {{ ref("fct_sensor_alarm") }}
    where device_kind in {{ lifeline_kinds() }} and is_event

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'sensor_reading'

),

by_devices as (

    select
        county_code,
        device_kind,
        device_kind_label,
        count(*)::integer as devices,
        (count(*) filter (where is_online))::integer as devices_online,
        (count(*) filter (where not is_online))::integer as devices_silent,
        max(last_observed_at) as observed_at,
        max(loaded_at) as loaded_at
    from devices
    group by county_code, device_kind, device_kind_label

),

by_alarms as (

    select
        county_code,
        device_kind,
        (count(*) filter (where is_open))::integer as alarms_open,
        (count(*) filter (where gravest_level = 1))::integer as alarms_level_1,
        (count(*) filter (where gravest_level = 2))::integer as alarms_level_2,
        (count(*) filter (where gravest_level = 3))::integer as alarms_level_3,
        (count(*) filter (where response_basis = 'case'))::integer as responses_by_case,
        (count(*) filter (where response_basis = 'reading'))::integer as responses_by_reading,
        sum(response_minutes)::bigint as response_minutes
    from alarms
    where started_at > newest_at - interval '30 days'
    group by county_code, device_kind

),

final as (

    select
        by_devices.county_code,
        counties.name as county_name,
        by_devices.device_kind,
        by_devices.device_kind_label,
        by_devices.devices,
        by_devices.devices_online,
        by_devices.devices_silent,
        by_devices.devices_online::numeric / by_devices.devices as online_rate,
        by_devices.observed_at,
        coalesce(by_alarms.alarms_open, 0) as alarms_open,
        coalesce(by_alarms.alarms_level_1, 0) as alarms_level_1,
        coalesce(by_alarms.alarms_level_2, 0) as alarms_level_2,
        coalesce(by_alarms.alarms_level_3, 0) as alarms_level_3,
        coalesce(by_alarms.responses_by_case, 0) as responses_by_case,
        coalesce(by_alarms.responses_by_reading, 0) as responses_by_reading,
        by_alarms.response_minutes,
        counties.centroid_longitude,
        counties.centroid_latitude,
        datasets.origin,
        datasets.origin_label,
        coalesce(by_devices.observed_at, by_devices.loaded_at) as data_as_of
    from by_devices
    inner join counties on by_devices.county_code = counties.area_code
    cross join datasets
    left join by_alarms on by_devices.county_code = by_alarms.county_code and by_devices.device_kind = by_alarms.device_kind

)

select * from final
