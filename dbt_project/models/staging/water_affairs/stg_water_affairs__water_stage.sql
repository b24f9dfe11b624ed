with

source as (

    {{ newest_statement(["water_affairs", "water_stage"], ["gauge_code", "observed_at"]) }}

),

renamed as (

    select
        gauge_code,
        observed_at,
        stage_m,
        discharge_m3s,
        quality_flag,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
