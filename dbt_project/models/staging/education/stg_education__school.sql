with

source as (

    {{ newest_snapshot(["education", "school"]) }}

),

renamed as (

    select
        school_code,
        school_name,
        township_code,
        stage,
        ownership,
        _loaded_at as loaded_at
    from source

)

select * from renamed
