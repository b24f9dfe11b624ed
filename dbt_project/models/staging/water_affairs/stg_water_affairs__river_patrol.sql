with

source as (

    {{ newest_snapshot(["water_affairs", "river_patrol"]) }}

),

renamed as (

    select
        section_code,
        river,
        county_code,
        chief_level,
        month,
        patrols_planned,
        patrols_done,
        _loaded_at as loaded_at
    from source

)

select * from renamed
