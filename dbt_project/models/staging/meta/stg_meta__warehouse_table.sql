with

source as (

    select * from {{ source("meta", "warehouse_table") }}

),

renamed as (

    select
        schema_name,
        table_name,
        rows_estimated,
        -- a table that is replaced at this very moment has no size
        coalesce(bytes, 0) as bytes
    from source

)

select * from renamed
