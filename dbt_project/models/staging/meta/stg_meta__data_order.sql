with

source as (

    select * from {{ source("meta", "data_order") }}

),

renamed as (

    select
        data_order_id,
        dataset,
        rule_id,
        rule_kind,
        card,
        opened_at,
        last_batch,
        unexpected_rows,
        evaluated_rows,
        closed_at
    from source

)

select * from renamed
