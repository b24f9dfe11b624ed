with

source as (

    {{ newest_snapshot(["development_reform", "major_project"]) }}

),

renamed as (

    select
        project_code,
        project_name,
        county_code,
        sector,
        owner_unit,
        total_wan,
        planned_start_on,
        planned_finish_on,
        _loaded_at as loaded_at
    from source

)

select * from renamed
