with

outlets as (

    select * from {{ ref("stg_ecology_environment__river_outlet") }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'river_outlet'

),

judged as (

    select
        outlets.*,
        villages.county_code,
        outlets.put_right_on is null and outlets.due_on < {{ build_day() }} as is_late
    from outlets
    inner join villages on outlets.area_code = villages.area_code

),

final as (

    select
        judged.outlet_code,
        judged.outlet_name,
        judged.outlet_kind,
        judged.river,
        judged.county_code,
        counties.name as county_name,
        judged.found_on,
        judged.surveyed_on,
        judged.reviewed_on,
        judged.due_on,
        judged.put_right_on,
        judged.surveyed_on is not null as is_surveyed,
        judged.reviewed_on is not null as is_reviewed,
        judged.put_right_on is not null as is_put_right,
        judged.is_late,
        case when judged.is_late then {{ build_day() }} - judged.due_on end as days_late,
        case
            when judged.put_right_on is not null then '已整治'
            when judged.reviewed_on is not null then '已复核'
            when judged.surveyed_on is not null then '已排查'
            else '待排查'
        end as stage_label,
        judged.is_late as needs_attention,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    inner join counties on judged.county_code = counties.area_code
    cross join datasets

)

select * from final
