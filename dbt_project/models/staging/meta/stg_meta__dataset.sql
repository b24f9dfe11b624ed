with

source as (

    select * from {{ source("meta", "dataset") }}

),

renamed as (

    select
        dataset,
        title_zh,
        owner,
        identifier,
        columns_described,
        owner_zh,
        family,
        origin,
        {{ origin_label("origin") }} as origin_label,
        schedule,
        arrival_sla,
        is_active
    from source

)

select * from renamed
