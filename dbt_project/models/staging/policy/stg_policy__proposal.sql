with

source as (

    select * from {{ source("policy", "proposal") }}

),

renamed as (

    select
        run_id,
        item_version_id,
        uscc,
        outcome,
        amount as amount_yuan,
        reason,
        excluded_by
    from source

)

select * from renamed
