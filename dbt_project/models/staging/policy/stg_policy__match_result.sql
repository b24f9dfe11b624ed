with

source as (

    select * from {{ source("policy", "match_result") }}

),

renamed as (

    select
        run_id,
        item_version_id,
        uscc,
        enterprise_name,
        county_code,
        status,
        unmet_mask,
        unknown_mask,
        distance,
        amount as amount_yuan
    from source

)

select * from renamed
