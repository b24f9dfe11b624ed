with

source as (

    {{ newest_statement(["emergency_management", "duty_roster"], ["duty_on", "department", "county_code", "shift", "role"]) }}

),

renamed as (

    select
        duty_on,
        department,
        -- the city's own desks carry the city's code, and belong to no county
        nullif(county_code, (
            select area_code from {{ ref("stg_meta__area") }}
            where area_level = 'city'
        )) as county_code,
        shift,
        role,
        duty_phone is not null as is_filled,
        '****' || right(duty_phone, 2) as duty_phone_masked,
        signed_in_at at time zone 'Asia/Shanghai' as signed_in_at,
        _loaded_at as loaded_at
    from source

)

select * from renamed
