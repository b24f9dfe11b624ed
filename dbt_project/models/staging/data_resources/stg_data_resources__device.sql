with

source as (

    {{ newest_snapshot(["data_resources", "device_register"]) }}

),

renamed as (

    select
        device_id,
        device_kind,
        {{ device_kind_label("device_kind") }} as device_kind_label,
        place_name,
        village_code as area_code,
        lon,
        lat,
        owner_department,
        owner_unit,
        installed_on,
        status,
        metric,
        unit,
        cadence_minutes,
        level_1,
        level_2,
        level_3,
        hysteresis,
        _loaded_at as loaded_at
    from source

)

select * from renamed
