with

source as (

    {{ every_statement(["water_affairs", "water_stage"]) }}

),

renamed as (

    select
        gauge_code,
        observed_at,
        stage_m,
        discharge_m3s,
        quality_flag,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
