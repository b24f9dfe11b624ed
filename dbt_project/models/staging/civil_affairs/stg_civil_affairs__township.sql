with

source as (

    {{ newest_snapshot(["civil_affairs", "division_township"]) }}

),

renamed as (

    select
        code as area_code,
        name,
        county_code as parent_code,
        -- 4xx in the last three digits: a development zone that has a statistical code only
        substr(code, 7, 1) = '4' as is_statistical_zone,
        _loaded_at as loaded_at
    from source

)

select * from renamed
