with

source as (

    {{ newest_snapshot(["emergency_management", "emergency_store"]) }}

),

renamed as (

    select
        store_code,
        store_name,
        county_code,
        village_code as area_code,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        item,
        unit,
        quantity,
        needed,
        checked_on,
        _loaded_at as loaded_at
    from source

)

select * from renamed
