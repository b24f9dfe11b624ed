with

devices as (

    select * from {{ ref("int_sensor__device_now") }}
    where device_kind in {{ lifeline_kinds() }}

),

open_alarms as (

    select * from {{ ref("fct_sensor_alarm") }}
    where is_event and is_open

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'sensor_reading'

),

final as (

    select
        devices.device_id,
        devices.device_kind,
        devices.device_kind_label,
        devices.place_name,
        devices.county_code,
        counties.name as county_name,
        devices.owner_department_name,
        devices.owner_unit,
        devices.status,
        open_alarms.gravest_level,
        open_alarms.started_at as alarm_started_at,
        open_alarms.peak_value,
        devices.unit,
        not devices.is_online as is_silent,
        devices.last_observed_at,
        devices.hours_silent,
        concat_ws(
            '；',
            case open_alarms.gravest_level when 1 then '一级告警未解除' when 2 then '二级告警未解除' when 3 then '三级告警未解除' end,
            case
                when devices.is_online then null
                when devices.hours_silent is null then '从未上报'
                else '已 ' || trim(to_char(devices.hours_silent, 'FM999990.0')) || ' 小时未上报'
            end
        ) as attention_reason,
        devices.lon,
        devices.lat,
        datasets.origin,
        datasets.origin_label,
        coalesce(devices.kind_observed_at, devices.loaded_at) as data_as_of
    from devices
    inner join counties on devices.county_code = counties.area_code
    cross join datasets
    left join open_alarms on devices.device_id = open_alarms.device_id
    where open_alarms.device_id is not null or (devices.kind_observed_at is not null and not devices.is_online)

)

select * from final
