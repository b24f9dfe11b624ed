with

months as (

    select * from {{ ref("fct_employment_month") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'employment_month'

),

final as (

    select
        months.employment_month,
        months.is_latest_month,
        months.employment_month > max(months.employment_month) over () - interval '12 months' as is_latest_12m,
        months.county_code,
        counties.name as county_name,
        months.new_jobs,
        year_before.new_jobs as new_jobs_year_before,
        months.registered_unemployed,
        months.labour_force,
        months.unemployment_rate,
        year_before.unemployment_rate as unemployment_rate_year_before,
        months.graduates,
        months.graduates_employed,
        months.graduate_employment_rate,
        year_before.graduate_employment_rate as graduate_employment_rate_year_before,
        datasets.origin,
        datasets.origin_label,
        months.loaded_at as data_as_of
    from months
    cross join datasets
    inner join counties on months.county_code = counties.area_code
    left join months as year_before
        on
            months.county_code = year_before.county_code
            and months.employment_month = year_before.employment_month + interval '1 year'

)

select * from final
