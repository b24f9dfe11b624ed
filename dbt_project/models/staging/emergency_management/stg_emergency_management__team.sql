with

source as (

    {{ newest_snapshot(["emergency_management", "emergency_team"]) }}

),

renamed as (

    select
        team_code,
        team_name,
        team_kind,
        county_code,
        village_code as area_code,
        members,
        vehicles,
        on_call = '是' as is_on_call,
        longitude::double precision as longitude,
        latitude::double precision as latitude,
        _loaded_at as loaded_at
    from source

)

select * from renamed
