with

source as (

    select * from {{ source("meta", "department") }}

),

renamed as (

    select
        department,
        name_zh as department_name
    from source

)

select * from renamed
