with

components as (

    select * from {{ ref("fct_municipal_component") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'municipal_component'

),

counted as (

    select
        county_code,
        big_class,
        small_class,
        max(big_class_name) as big_class_name,
        max(small_class_name) as small_class_name,
        bool_or(is_safety_critical) as is_safety_critical,
        count(*)::integer as components,
        (count(*) filter (where state = 'intact'))::integer as intact,
        (count(*) filter (where state = 'damaged'))::integer as damaged,
        (count(*) filter (where state = 'lost'))::integer as lost,
        (count(*) filter (where has_sensor))::integer as sensors,
        (count(*) filter (where is_online))::integer as sensors_online,
        avg(days_in_need)::numeric(18, 4) as mean_days_in_need,
        max(loaded_at) as loaded_at
    from components
    group by county_code, big_class, small_class

),

final as (

    select
        counted.county_code,
        counties.name as county_name,
        counted.big_class,
        counted.big_class_name,
        counted.small_class,
        counted.small_class_name,
        counted.is_safety_critical,
        counted.components,
        counted.intact,
        counted.damaged,
        counted.lost,
        counted.intact::numeric / counted.components as intact_rate,
        counted.sensors,
        counted.sensors_online,
        counted.sensors_online::numeric / nullif(counted.sensors, 0) as online_rate,
        counted.mean_days_in_need,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counted
    cross join datasets
    inner join counties on counted.county_code = counties.area_code

)

select * from final
