with

source as (

    {{ newest_snapshot(["civil_affairs", "division_village"]) }}

),

renamed as (

    select
        code as area_code,
        name,
        township_code as parent_code,
        county_code,
        _loaded_at as loaded_at
    from source

)

select * from renamed
