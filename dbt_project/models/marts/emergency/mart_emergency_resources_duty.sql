with

duties as (

    select * from {{ ref("stg_emergency_management__duty") }}

),

departments as (

    select * from {{ ref("stg_meta__department") }}

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'duty_roster'

),

counted as (

    select
        duty_on,
        department,
        county_code,
        count(*)::integer as posts,
        (count(*) filter (where is_filled))::integer as posts_filled,
        count(signed_in_at)::integer as posts_signed_in,
        string_agg(shift || role, '、' order by shift, role) filter (where not is_filled) as posts_empty,
        max(loaded_at) as loaded_at
    from duties
    group by duty_on, department, county_code

),

final as (

    select
        counted.duty_on,
        counted.duty_on < {{ build_day() }} as is_over,
        counted.department,
        coalesce(departments.department_name, counted.department) as department_name,
        counted.county_code,
        areas.name as area_name,
        counted.posts,
        counted.posts_filled,
        counted.posts_signed_in,
        case
            when counted.duty_on < {{ build_day() }} then counted.posts - counted.posts_signed_in
        end as posts_missed,
        counted.posts_filled < counted.posts as needs_attention,
        counted.posts_empty,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counted
    cross join datasets
    inner join areas on counted.county_code = areas.area_code or (counted.county_code is null and areas.area_level = 'city')
    left join departments on counted.department = departments.department

)

select * from final
