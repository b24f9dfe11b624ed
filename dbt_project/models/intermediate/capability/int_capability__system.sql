with

registered as (

    select * from {{ ref("stg_data_resources__reusing_system") }}

),

connected as (

    select * from {{ ref("stg_ops__connected_system") }}

),

uses as (

    select * from {{ ref("stg_ops__connected_system_use") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'reusing_system'

),

used as (

    select
        system_id,
        string_agg(distinct {{ capability_label("capability") }}, '、') as capabilities
    from uses
    group by system_id

),

final as (

    select
        registered.system_code,
        registered.system_name,
        registered.department,
        null::text as owner_name,
        registered.connected_on,
        registered.capabilities,
        registered.replaced_cost_yuan,
        datasets.origin,
        registered.loaded_at
    from registered
    cross join datasets

    union all

    -- a system that the register has already is told of there
    select
        connected.system_code,
        connected.system_name,
        connected.organisation_code as department,
        connected.organisation_name as owner_name,
        connected.connected_on,
        used.capabilities,
        null as replaced_cost_yuan,
        'real' as origin,
        connected.made_at as loaded_at
    from connected
    left join used on connected.system_id = used.system_id
    left join registered on connected.system_code = registered.system_code
    where registered.system_code is null

)

select * from final
