with

delivered as (

    select * from {{ ref("fct_capability_call_day") }}

),

counted as (

    select * from {{ ref("stg_ops__connected_system_use") }}

),

connected as (

    select * from {{ ref("stg_ops__connected_system") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'capability_call_day'

),

final as (

    select
        delivered.call_day,
        delivered.system_code,
        delivered.capability,
        delivered.calls,
        delivered.failed_calls,
        delivered.mean_ms,
        datasets.origin,
        delivered.loaded_at
    from delivered
    cross join datasets

    union all

    -- what the desk's own doors counted
    select
        counted.call_day,
        connected.system_code,
        counted.capability,
        counted.calls,
        counted.failed_calls,
        counted.mean_ms,
        'real' as origin,
        now() as loaded_at
    from counted
    inner join connected on counted.system_id = connected.system_id
    where counted.calls > 0

)

select * from final
