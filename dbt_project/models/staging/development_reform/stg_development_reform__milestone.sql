with

source as (

    {{ newest_snapshot(["development_reform", "major_project_milestone"]) }}

),

renamed as (

    select
        project_code,
        milestone,
        planned_on,
        actual_on,
        _logical_date as register_date,
        _loaded_at as loaded_at
    from source

)

select * from renamed
