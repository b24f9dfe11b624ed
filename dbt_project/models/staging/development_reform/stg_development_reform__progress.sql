with

source as (

    {{ newest_statement(["development_reform", "major_project_progress"], ["project_code", "month"]) }}

),

renamed as (

    select
        project_code,
        date_trunc('month', month::timestamp)::date as month,
        invested_wan,
        note,
        _loaded_at as loaded_at
    from source

)

select * from renamed
