with

source as (

    {{ newest_snapshot(["data_resources", "reusing_system"]) }}

),

renamed as (

    select
        system_code,
        system_name,
        department,
        connected_on,
        capabilities,
        replaced_cost_yuan,
        _loaded_at as loaded_at
    from source

)

select * from renamed
