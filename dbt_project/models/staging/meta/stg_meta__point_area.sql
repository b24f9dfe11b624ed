with

source as (

    select * from {{ source("meta", "point_area") }}

),

renamed as (

    select
        dataset,
        point_code,
        longitude,
        latitude,
        county_code
    from source

)

select * from renamed
