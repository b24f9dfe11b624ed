with

devices as (

    select * from {{ ref("dim_device") }}
    where device_kind in {{ lifeline_kinds() }}

),

days as (

    select * from {{ ref("fct_sensor_day") }}
    where day > (select max(day) - 730 from {{ ref("fct_sensor_day") }})

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'sensor_reading'

),

summed as (

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
        max(days.last_observed_at) as observed_at
    from days
    inner join devices on days.device_id = devices.device_id and days.metric = devices.metric
    group by devices.county_code, devices.device_kind, devices.device_kind_label, days.day

),

final as (

    select
        summed.county_code,
        counties.name as county_name,
        summed.device_kind,
        summed.device_kind_label,
        summed.day,
        summed.day = max(summed.day) over () as is_latest_day,
        summed.devices_reporting,
        summed.readings,
        summed.devices_over,
        summed.devices_over_level_1,
        summed.devices_over_level_2,
        summed.devices_over_level_3,
        summed.worst_share_of_level_1,
        datasets.origin,
        datasets.origin_label,
        coalesce(summed.observed_at, (summed.day + 1)::timestamp at time zone 'Asia/Shanghai') as data_as_of
    from summed
    inner join counties on summed.county_code = counties.area_code
    cross join datasets

)

select * from final
