with

source as (

    {{ newest_snapshot(["water_affairs", "gauge_register"]) }}

),

renamed as (

    select
        gauge_code,
        gauge_name,
        river,
        warning_stage_m,
        guaranteed_stage_m,
        lon,
        lat,
        _loaded_at as loaded_at
    from source

)

select * from renamed
