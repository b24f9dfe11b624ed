with

source as (

    -- not *: who made a file is for the desk alone
    select
        id,
        list_id,
        sha256,
        rows,
        total,
        created_at
    from {{ source("ops", "payment_file") }}

),

renamed as (

    select
        id as payment_file_id,
        list_id as grant_list_id,
        sha256,
        rows as line_count,
        total as total_yuan,
        created_at
    from source

)

select * from renamed
