with

source as (

    {{ newest_statement(["education", "school_age_population"], ["area_code", "school_year", "stage"]) }}

),

renamed as (

    select
        area_code,
        school_year,
        stage,
        children,
        _loaded_at as loaded_at
    from source

)

select * from renamed
