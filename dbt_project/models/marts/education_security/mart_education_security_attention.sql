with

years as (

    select * from {{ ref("fct_school_year") }}

),

children as (

    select * from {{ ref("stg_education__school_age_population") }}

),

areas as (

    select * from {{ ref("dim_area") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'school_age_population'

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

seated as (
    {{ school_seats("years") }}
),

newest as (

    select max(school_year) as school_year from years

),

final as (

    select
        children.area_code,
        areas.name as area_name,
        areas.county_code,
        counties.name as county_name,
        children.stage,
        children.school_year,
        children.children,
        coalesce(seated.seats, 0) as seats,
        coalesce(seated.pupils, 0) as pupils,
        children.children - coalesce(seated.seats, 0) as seats_short,
        (children.children - coalesce(seated.seats, 0))::numeric / nullif(children.children, 0) as short_rate,
        year_before.children as children_year_before,
        centres.longitude,
        centres.latitude,
        datasets.origin,
        datasets.origin_label,
        greatest(children.loaded_at, seated.loaded_at) as data_as_of
    from children
    inner join newest on children.school_year = newest.school_year
    cross join datasets
    inner join areas on children.area_code = areas.area_code
    inner join areas as counties on areas.county_code = counties.area_code
    left join seated
        on
            children.area_code = seated.area_code
            and children.school_year = seated.school_year
            and children.stage = seated.stage
    left join centres on children.area_code = centres.township_code
    left join children as year_before
        on
            children.area_code = year_before.area_code
            and children.stage = year_before.stage
            and children.school_year = year_before.school_year + 1
    where children.children - coalesce(seated.seats, 0) > children.children * {{ var("seats_short_rate") }}

)

select * from final
