with

source as (

    {{ newest_snapshot(["market_regulation", "enterprise_register"]) }}

),

renamed as (

    select
        uscc,
        name as enterprise_name,
        entity_kind,
        -- delivered as 2730 or as C2730; the section letter follows from the division
        nullif(regexp_replace(industry_code, '^[A-Ta-t]', ''), '') as industry_code,
        status,
        established_on,
        closed_on,
        registered_capital_wan,
        village_code,
        address,
        _logical_date as register_date,
        _source_version as source_version,
        _loaded_at as loaded_at
    from source

)

select * from renamed
