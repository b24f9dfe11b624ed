with

years as (

    select * from {{ ref("fct_school_year") }}

),

children as (

    select * from {{ ref("stg_education__school_age_population") }}

),

insurances as (

    select * from {{ ref("fct_social_insurance_month") }}

),

work as (

    select * from {{ ref("fct_employment_month") }}

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

    select
        max(school_year) as school_year,
        max(loaded_at) as loaded_at
    from years

),

schooled as (

    select
        seated.county_code,
        sum(seated.pupils)::numeric / nullif(sum(seated.teachers), 0) as pupils_per_teacher,
        (sum(seated.seats) filter (where children.children is not null)) * 100.0
        / nullif(sum(children.children), 0) as seats_per_100_children,
        sum(greatest(children.children - seated.seats, 0))::integer as seats_short
    from seated
    inner join newest on seated.school_year = newest.school_year
    left join children
        on
            seated.area_code = children.area_code
            and seated.school_year = children.school_year
            and seated.stage = children.stage
    group by seated.county_code

),

insured as (

    select
        county_code,
        sum(insured)::numeric / nullif(sum(base_population), 0) as insured_rate,
        sum(arrears_persons)::integer as arrears_persons,
        sum(arrears_yuan) as arrears_yuan
    from insurances
    where is_latest_month
    group by county_code

),

year_of_work as (

    select max(employment_month) - interval '12 months' as begins_after from work

),

worked as (

    select
        work.county_code,
        max(work.unemployment_rate) filter (where work.is_latest_month) as unemployment_rate,
        max(work.graduate_employment_rate) filter (where work.is_latest_month) as graduate_employment_rate,
        (sum(work.new_jobs) filter (where work.employment_month > year_of_work.begins_after))::integer as new_jobs_12m
    from work
    cross join year_of_work
    group by work.county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        counties.residents,
        schooled.seats_per_100_children,
        coalesce(schooled.seats_short, 0) as seats_short,
        schooled.pupils_per_teacher,
        insured.insured_rate,
        insured.arrears_persons,
        insured.arrears_yuan,
        worked.new_jobs_12m,
        worked.new_jobs_12m * 10000.0 / nullif(counties.residents, 0) as new_jobs_per_10k,
        worked.unemployment_rate,
        worked.graduate_employment_rate,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from counties
    cross join newest
    cross join datasets
    left join schooled on counties.area_code = schooled.county_code
    left join insured on counties.area_code = insured.county_code
    left join worked on counties.area_code = worked.county_code

)

select * from final
