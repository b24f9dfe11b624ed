with

source as (

    {{ every_statement(["data_resources", "capability_call_day"]) }}

),

renamed as (

    select
        call_day,
        system_code,
        capability,
        calls,
        failed_calls,
        mean_ms,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
