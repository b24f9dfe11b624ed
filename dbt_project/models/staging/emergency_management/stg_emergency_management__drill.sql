with

source as (

    {{ newest_snapshot(["emergency_management", "emergency_drill"]) }}

),

renamed as (

    select
        drill_id,
        plan_name,
        department,
        county_code,
        planned_on,
        held_on,
        participants,
        _loaded_at as loaded_at
    from source

)

select * from renamed
