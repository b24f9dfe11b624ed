with

source as (

    {{ newest_snapshot(["urban_management", "parking_lot"]) }}

),

renamed as (

    select
        lot_code,
        lot_name,
        lot_kind,
        county_code,
        village_code as area_code,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        berths,
        charging_berths,
        _loaded_at as loaded_at
    from source

)

select * from renamed
