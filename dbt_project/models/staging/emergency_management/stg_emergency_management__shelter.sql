with

source as (

    {{ newest_snapshot(["emergency_management", "emergency_shelter"]) }}

),

renamed as (

    select
        shelter_code,
        shelter_name,
        shelter_kind,
        county_code,
        village_code as area_code,
        area_m2,
        capacity,
        (geometry::jsonb #>> '{coordinates,0}')::double precision as longitude,
        (geometry::jsonb #>> '{coordinates,1}')::double precision as latitude,
        _loaded_at as loaded_at
    from source

)

select * from renamed
