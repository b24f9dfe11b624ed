with

source as (

    {{ newest_statement(["education", "school_year"], ["school_code", "school_year"]) }}

),

renamed as (

    select
        school_code,
        school_year,
        seats,
        pupils,
        teachers,
        _loaded_at as loaded_at
    from source

)

select * from renamed
