with

source as (

    {{ newest_snapshot(["health", "hospital"]) }}

),

renamed as (

    select
        hospital_code,
        hospital_name,
        county_code,
        level as hospital_level,
        ownership,
        beds,
        doctors,
        nurses,
        _loaded_at as loaded_at
    from source

)

select * from renamed
