with

source as (

    {{ newest_snapshot(["ecology_environment", "river_outlet"]) }}

),

renamed as (

    select
        outlet_code,
        outlet_name,
        outlet_kind,
        river,
        village_code as area_code,
        found_on,
        surveyed_on,
        reviewed_on,
        due_on,
        put_right_on,
        _loaded_at as loaded_at
    from source

)

select * from renamed
