with

source as (

    {{ newest_snapshot(["industry_information", "tech_upgrade_project"]) }}

),

renamed as (

    select
        project_code,
        uscc,
        year as project_year,
        equipment_wan,
        case fits_guide when '是' then true when '否' then false end as fits_guide,
        case selected when '是' then true when '否' then false end as is_selected,
        _loaded_at as loaded_at
    from source

)

select * from renamed
