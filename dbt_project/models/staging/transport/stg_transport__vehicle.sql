with

source as (

    {{ newest_snapshot(["transport", "fleet_vehicle"]) }}

),

renamed as (

    select
        vehicle_code,
        -- a plate leads to its keeper: only the province, the city's letter and the last three characters stay
        left(plate, 2) || '·**' || right(plate, 3) as plate_masked,
        fleet,
        company,
        county_code,
        corridor_code,
        speed_limit as speed_limit_kmh,
        licensed_until,
        _loaded_at as loaded_at
    from source

)

select * from renamed
