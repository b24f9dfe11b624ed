with

source as (

    {{ newest_snapshot(["data_resources", "capability_saving"]) }}

),

renamed as (

    select
        system_code,
        separate_yuan,
        shared_yuan,
        budget_year,
        _loaded_at as loaded_at
    from source

)

select * from renamed
