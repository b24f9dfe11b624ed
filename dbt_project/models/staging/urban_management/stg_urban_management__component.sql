with

source as (

    {{ newest_snapshot(["urban_management", "municipal_component"]) }}

),

renamed as (

    select
        component_code,
        big_class,
        small_class,
        class_name,
        case state when '完好' then 'intact' when '破损' then 'damaged' when '丢失' then 'lost' end as state,
        state as state_label,
        state_since,
        grid_code,
        substr(grid_code, 1, 12) as area_code,
        substr(grid_code, 1, 6) as county_code,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        owner_unit,
        installed_on,
        sensor_state is not null as has_sensor,
        coalesce(sensor_state = '在线', false) as is_online,
        _loaded_at as loaded_at
    from source

)

select * from renamed
