with

source as (

    select * from {{ source("ops", "connected_system_owner") }}

),

renamed as (

    select
        id as system_id,
        code::text as system_code,
        name::text as system_name,
        organisation_code::text as organisation_code,
        organisation_name::text as organisation_name,
        (made_at at time zone 'Asia/Shanghai')::date as connected_on,
        made_at
    from source

)

select * from renamed
