with

source as (

    {{ newest_snapshot(["data_resources", "policy_indicator"]) }}

),

renamed as (

    select
        uscc,
        indicator,
        year as stated_year,
        number,
        level,
        department,
        _loaded_at as loaded_at
    from source

)

select * from renamed
