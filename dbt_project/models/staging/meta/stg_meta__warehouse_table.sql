with

source as (

    select * from {{ source("meta", "warehouse_table") }}

),

renamed as (

    select
        schema_name,
        table_name,
        rows_estimated,
        bytes
    from source

)

select * from renamed
