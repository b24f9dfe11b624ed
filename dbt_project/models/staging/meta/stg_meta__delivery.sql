with

source as (

    select * from {{ source("meta", "delivery") }}

),

renamed as (

    select
        delivery_id,
        dataset,
        batch_id,
        outcome,
        delivered_at
    from source

)

select * from renamed
