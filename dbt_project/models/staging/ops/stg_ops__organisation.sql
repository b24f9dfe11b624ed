with

source as (

    -- not *: persons and what they wrote are for the desk alone
    select
        id,
        code,
        kind,
        name,
        county_code
    from {{ source("ops", "organisation") }}

),

renamed as (

    select
        id as organisation_id,
        code::text as organisation_code,
        kind::text as organisation_kind,
        name::text as organisation_name,
        nullif(county_code, '')::text as county_code
    from source

)

select * from renamed
