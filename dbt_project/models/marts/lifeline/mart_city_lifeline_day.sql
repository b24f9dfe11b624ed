with

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'sensor_reading'

),

summed as (

    select * from {{ ref("int_sensor__county_day") }}
    where day > (select max(newest.day) - 730 from {{ ref("int_sensor__county_day") }} as newest)

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
