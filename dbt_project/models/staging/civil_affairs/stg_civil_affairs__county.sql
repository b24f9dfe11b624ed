with

source as (

    {{ newest_snapshot(["civil_affairs", "division_county"]) }}

),

renamed as (

    select
        code as area_code,
        name,
        rpad(city_code, 6, '0') as parent_code,
        _loaded_at as loaded_at
    from source

)

select * from renamed
