with

source as (

    -- not *: the label of a stage is for the desk alone
    select
        id,
        line_id,
        payment_file_id,
        stage,
        stage_number,
        payer,
        amount
    from {{ source("ops", "grant_part") }}

),

renamed as (

    select
        id as grant_part_id,
        line_id as grant_line_id,
        payment_file_id,
        stage,
        stage_number,
        payer,
        amount as amount_yuan
    from source

)

select * from renamed
