with

alarms as (

    select
        *,
        max(last_observed_at) over () as newest_at
    from {{ ref("fct_sensor_alarm") }}
    where device_kind in {{ lifeline_kinds() }} and is_event

),

devices as (

    select * from {{ ref("dim_device") }}

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
        alarms.device_id,
        devices.device_kind,
        devices.device_kind_label,
        devices.place_name,
        devices.county_code,
        counties.name as county_name,
        devices.owner_department_name,
        devices.owner_unit,
        alarms.gravest_level,
        case alarms.gravest_level when 1 then '一级' when 2 then '二级' else '三级' end as gravest_level_label,
        alarms.started_at,
        (alarms.started_at at time zone 'Asia/Shanghai')::date as started_day,
        alarms.ended_at,
        alarms.is_open,
        case when alarms.is_open then '告警中' else '已恢复' end as state_label,
        alarms.stood_minutes,
        alarms.threshold,
        alarms.peak_value,
        alarms.peak_at,
        devices.unit,
        alarms.case_number,
        alarms.response_basis,
        case alarms.response_basis when 'case' then '案件处置' when 'reading' then '读数恢复' else '未恢复' end as response_basis_label,
        alarms.response_minutes,
        alarms.is_open or (alarms.gravest_level = 1 and alarms.started_at > alarms.newest_at - interval '3 days') as needs_attention,
        devices.lon,
        devices.lat,
        datasets.origin,
        datasets.origin_label,
        alarms.last_observed_at as data_as_of
    from alarms
    inner join devices on alarms.device_id = devices.device_id
    inner join counties on devices.county_code = counties.area_code
    cross join datasets
    where alarms.started_at > alarms.newest_at - interval '90 days' or alarms.is_open

)

select * from final
