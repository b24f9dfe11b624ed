with

source as (

    {{ newest_statement(["market_regulation", "enterprise_licence"], ["licence_no"]) }}

),

renamed as (

    select
        licence_no,
        uscc,
        licence_kind,
        issued_on,
        valid_until,
        status as licence_status,
        updated_at as changed_at,
        _loaded_at as loaded_at
    from source

)

select * from renamed
