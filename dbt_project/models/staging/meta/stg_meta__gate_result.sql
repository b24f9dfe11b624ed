with

source as (

    select * from {{ source("meta", "gate_result") }}

),

renamed as (

    select
        gate_result_id,
        batch_id,
        rule_id,
        rule_kind,
        column_name,
        card,
        unexpected_rows,
        evaluated_rows,
        gated_at
    from source

)

select * from renamed
