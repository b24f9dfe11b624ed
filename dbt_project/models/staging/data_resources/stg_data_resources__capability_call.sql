with

source as (

    {{ newest_statement(["data_resources", "capability_call_day"], ["call_day", "system_code", "capability"]) }}

),

renamed as (

    select
        call_day,
        system_code,
        capability,
        calls,
        failed_calls,
        mean_ms,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
