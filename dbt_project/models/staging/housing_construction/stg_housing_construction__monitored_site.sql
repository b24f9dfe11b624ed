with

source as (

    {{ newest_snapshot(["housing_construction", "monitored_site"]) }}

),

renamed as (

    select
        site_id,
        site_name,
        village_code as area_code,
        lon,
        lat,
        device_id,
        builder_unit,
        stage,
        started_on,
        _loaded_at as loaded_at
    from source

)

select * from renamed
