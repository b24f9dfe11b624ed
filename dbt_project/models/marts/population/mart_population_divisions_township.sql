with

areas as (

    select * from {{ ref("dim_area") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'division_township'

),

centres as (

    -- the division list has no positions: a township lies where its unit grids lie
    select
        township_code,
        avg(longitude) as longitude,
        avg(latitude) as latitude
    from {{ ref("dim_grid") }}
    group by township_code

),

loads as (

    select max(loaded_at) as loaded_at from {{ ref("stg_civil_affairs__township") }}

),

villages as (

    select
        parent_code,
        count(*)::integer as villages,
        (count(*) filter (where name like '%社区%'))::integer as communities
    from areas
    where area_level = 'village'
    group by parent_code

),

final as (

    select
        townships.area_code as township_code,
        townships.name as township_name,
        townships.county_code,
        counties.name as county_name,
        -- the seventh digit of the statistical code tells the kind
        case substr(townships.area_code, 7, 1)
            when '0' then '街道' when '1' then '镇' when '2' then '乡' else '开发区'
        end as kind_label,
        townships.is_statistical_zone,
        coalesce(villages.villages, 0) as villages,
        coalesce(villages.communities, 0) as communities,
        centres.longitude,
        centres.latitude,
        townships.code_edition,
        datasets.origin,
        datasets.origin_label,
        loads.loaded_at as data_as_of
    from areas as townships
    cross join datasets
    cross join loads
    inner join areas as counties on townships.county_code = counties.area_code
    left join centres on townships.area_code = centres.township_code
    left join villages on townships.area_code = villages.parent_code
    where townships.area_level = 'township'

)

select * from final
