with

source as (

    {{ newest_statement(["ecology_environment", "water_section_month"], ["section_code", "month"]) }}

),

renamed as (

    select
        section_code,
        section_name,
        river,
        month,
        target_class,
        quality_class,
        dissolved_oxygen,
        permanganate_index,
        cod,
        bod5,
        ammonia_nitrogen,
        total_phosphorus,
        fluoride,
        _loaded_at as loaded_at
    from source

)

select * from renamed
