with

source as (

    select * from {{ source("meta", "area") }}

),

renamed as (

    select
        area_code,
        level as area_level,
        name_zh as name,
        residents
    from source

)

select * from renamed
