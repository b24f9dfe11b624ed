with

source as (

    {{ newest_snapshot(["fire_rescue", "camera_register"]) }}

),

renamed as (

    select
        camera_id,
        camera_name,
        compound_id,
        scenario,
        lon,
        lat,
        snapshot_url,
        owner_department,
        enabled = '是' as enabled,
        _loaded_at as loaded_at
    from source

)

select * from renamed
