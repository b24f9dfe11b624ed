with

source as (

    select * from {{ source("meta", "ticket_reading") }}

),

renamed as (

    select
        ticket_no,
        demand_class,
        demand_class_zh as demand_class_name,
        matter,
        matter_zh as matter_name,
        chance as class_chance,
        village_code as area_code,
        nullif(named_place, '') as place_name,
        place_how,
        group_ticket_no,
        summary,
        reader_version,
        read_at
    from source

)

select * from renamed
