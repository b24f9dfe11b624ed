with

source as (

    {{ newest_snapshot(["market_regulation", "dishonest_enterprise"]) }}

),

renamed as (

    select
        uscc,
        reason,
        listed_on,
        removed_on,
        _logical_date as list_date,
        _loaded_at as loaded_at
    from source

)

select * from renamed
