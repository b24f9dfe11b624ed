with

years as (

    select * from {{ ref("fct_school_year") }}

),

children as (

    select * from {{ ref("stg_education__school_age_population") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'school_year'

),

seated as (
    {{ school_seats("years") }}
),

newest as (

    select max(school_year) as school_year from years

),

counted as (

    select
        seated.county_code,
        seated.school_year,
        seated.stage,
        sum(seated.schools)::integer as schools,
        sum(seated.seats)::integer as seats,
        sum(seated.pupils)::integer as pupils,
        sum(seated.teachers)::integer as teachers,
        sum(children.children)::integer as children,
        -- like with like: only areas that told their children
        (sum(seated.seats) filter (where children.children is not null))::integer as seats_compared,
        sum(greatest(children.children - seated.seats, 0))::integer as seats_short,
        (count(*) filter (where children.children is null))::integer as areas_untold,
        greatest(max(seated.loaded_at), max(children.loaded_at)) as loaded_at
    from seated
    left join children
        on
            seated.area_code = children.area_code
            and seated.school_year = children.school_year
            and seated.stage = children.stage
    where seated.county_code is not null
    group by seated.county_code, seated.school_year, seated.stage

),

final as (

    select
        counted.school_year,
        counted.school_year || '-' || (counted.school_year + 1) || '学年' as school_year_label,
        counted.school_year = newest.school_year as is_latest_year,
        counted.county_code,
        counties.name as county_name,
        counted.stage,
        {{ stage_order("counted.stage") }} as stage_order,
        counted.schools,
        counted.seats,
        counted.pupils,
        counted.teachers,
        counted.children,
        counted.seats_compared,
        counted.seats_compared * 100.0 / nullif(counted.children, 0) as seats_per_100_children,
        year_before.seats_compared * 100.0 / nullif(year_before.children, 0) as seats_per_100_children_year_before,
        coalesce(counted.seats_short, 0) as seats_short,
        counted.areas_untold,
        counted.pupils::numeric / nullif(counted.teachers, 0) as pupils_per_teacher,
        year_before.pupils::numeric / nullif(year_before.teachers, 0) as pupils_per_teacher_year_before,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counted
    cross join newest
    cross join datasets
    inner join counties on counted.county_code = counties.area_code
    left join counted as year_before
        on
            counted.county_code = year_before.county_code
            and counted.stage = year_before.stage
            and counted.school_year = year_before.school_year + 1

)

select * from final
