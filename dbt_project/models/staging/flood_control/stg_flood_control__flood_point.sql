with

source as (

    {{ newest_snapshot(["flood_control", "flood_point"]) }}

),

renamed as (

    select
        warden_id,
        point_id,
        point_name,
        village_code as area_code,
        lon,
        lat,
        device_id,
        warden_role,
        shift,
        _loaded_at as loaded_at
    from source

)

select * from renamed
