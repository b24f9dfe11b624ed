{{ config(indexes=[{"columns": ["device_id"], "unique": true}]) }}

with

devices as (

    select * from {{ ref("stg_data_resources__device") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

departments as (

    select * from {{ ref("stg_meta__department") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

points as (

    select distinct
        device_id,
        point_id,
        point_name
    from {{ ref("stg_flood_control__flood_point") }}

),

sites as (

    select * from {{ ref("stg_housing_construction__monitored_site") }}

),

final as (

    select
        devices.device_id,
        devices.device_kind,
        devices.device_kind_label,
        coalesce(points.point_name, sites.site_name, devices.place_name) as place_name,
        points.point_id,
        devices.area_code,
        villages.county_code,
        devices.lon::numeric(9, 6) as lon,
        devices.lat::numeric(9, 6) as lat,
        devices.owner_department,
        departments.department_name as owner_department_name,
        devices.owner_unit,
        devices.installed_on,
        devices.status,
        devices.status <> '停用' as is_in_service,
        devices.metric,
        devices.unit,
        devices.cadence_minutes,
        devices.level_1::numeric(18, 4) as level_1,
        devices.level_2::numeric(18, 4) as level_2,
        devices.level_3::numeric(18, 4) as level_3,
        coalesce(devices.hysteresis, 0)::numeric(18, 4) as hysteresis,
        datasets.origin,
        devices.loaded_at
    from devices
    inner join villages on devices.area_code = villages.area_code
    inner join datasets on datasets.dataset = 'device_register'
    left join departments on devices.owner_department = departments.department
    left join points on devices.device_id = points.device_id
    left join sites on devices.device_id = sites.device_id

)

select * from final
