with

areas as (

    select * from {{ ref("stg_meta__area") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

townships as (

    select * from {{ ref("stg_civil_affairs__township") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

outlines as (

    select * from {{ ref("stg_meta__area_outline") }}

),

levels as (

    select
        area_code,
        'city' as area_level,
        name,
        rpad(substr(area_code, 1, 2), 6, '0') as parent_code,
        null::text as county_code,
        'GB/T 2260' as code_system,
        false as is_statistical_zone
    from areas
    where area_level = 'city'

    union all

    select
        area_code,
        'county' as area_level,
        name,
        parent_code,
        area_code as county_code,
        'GB/T 2260' as code_system,
        false as is_statistical_zone
    from counties

    union all

    select
        area_code,
        'township' as area_level,
        name,
        parent_code,
        parent_code as county_code,
        'NBS statistical division code' as code_system,
        is_statistical_zone
    from townships

    union all

    select
        villages.area_code,
        'village' as area_level,
        villages.name,
        villages.parent_code,
        villages.county_code,
        'NBS statistical division code' as code_system,
        coalesce(townships.is_statistical_zone, false) as is_statistical_zone
    from villages
    left join townships on villages.parent_code = townships.area_code

),

final as (

    select
        levels.area_code,
        levels.area_level,
        levels.name,
        levels.parent_code,
        levels.county_code,
        levels.code_system,
        '{{ var("division_edition") }}'::date as code_edition,
        levels.is_statistical_zone,
        areas.residents,
        outlines.geojson,
        outlines.centroid_longitude,
        outlines.centroid_latitude,
        outlines.area_km2::double precision as area_km2,
        outlines.src_crs
    from levels
    left join areas on levels.area_code = areas.area_code
    left join outlines on levels.area_code = outlines.area_code

)

select * from final
