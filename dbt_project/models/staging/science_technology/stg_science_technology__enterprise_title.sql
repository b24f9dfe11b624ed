with

source as (

    {{ newest_snapshot(["science_technology", "enterprise_title"]) }}

),

renamed as (

    select
        uscc,
        title,
        year as title_year,
        nth as nth_recognition,
        _loaded_at as loaded_at
    from source

)

select * from renamed
