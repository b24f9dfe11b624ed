with

source as (

    select * from {{ source("ops", "connected_system_use") }}

),

renamed as (

    select
        system_id,
        day as call_day,
        capability::text as capability,
        calls::bigint as calls,
        failed::bigint as failed_calls,
        (total_ms / nullif(calls, 0))::integer as mean_ms
    from source

)

select * from renamed
