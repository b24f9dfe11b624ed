with

source as (

    {{ newest_snapshot(["housing_construction", "compound_register"]) }}

),

renamed as (

    select
        compound_id,
        compound_name,
        village_code as area_code,
        community_name,
        property_company_id,
        property_company_name,
        connected = '是' as connected,
        lon,
        lat,
        _loaded_at as loaded_at
    from source

)

select * from renamed
