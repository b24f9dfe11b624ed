with

vehicles as (

    select * from {{ ref("stg_transport__vehicle") }}

),

corridors as (

    select * from {{ ref("stg_urban_management__corridor") }}
    where corridor_kind = 'corridor'

),

final as (

    select
        vehicles.vehicle_code,
        vehicles.plate_masked,
        vehicles.fleet,
        vehicles.company,
        vehicles.county_code,
        vehicles.corridor_code,
        corridors.corridor_name,
        corridors.permitted_from,
        corridors.permitted_until,
        vehicles.speed_limit_kmh,
        vehicles.licensed_until,
        vehicles.licensed_until >= {{ build_day() }} as is_licensed,
        vehicles.loaded_at
    from vehicles
    left join corridors on vehicles.corridor_code = corridors.corridor_code

)

select * from final
