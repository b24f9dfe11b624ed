{{ config(indexes=[{"columns": ["project_code", "month"], "unique": true}]) }}

with

months as (

    select * from {{ ref("int_project__month") }}

),

projects as (

    select * from {{ ref("stg_development_reform__major_project") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        months.project_code,
        projects.project_name,
        counties.area_code as county_code,
        counties.name as county_name,
        projects.sector,
        months.month,
        months.month = max(months.month) over () as is_latest_month,
        projects.planned_start_on,
        projects.planned_finish_on,
        projects.total_wan::numeric(18, 2) as total_wan,
        months.is_reported,
        months.month_wan::numeric(18, 2) as month_wan,
        months.invested_wan::numeric(18, 2) as invested_wan,
        months.time_share::numeric(18, 4) as time_share,
        months.invested_share::numeric(18, 4) as invested_share,
        months.lag_points::numeric(18, 2) as lag_points,
        months.months_without_progress,
        months.has_permit,
        months.is_finished,
        not months.is_finished and months.lag_points > {{ var("project_lag_points") }} as is_lagging,
        not months.is_finished and months.months_without_progress >= {{ var("project_silent_months") }} as is_silent,
        not months.is_finished and months.invested_wan > 0 and not months.has_permit as is_unpermitted,
        months.loaded_at
    from months
    inner join projects on months.project_code = projects.project_code
    left join counties on projects.county_code = counties.area_code

)

select * from final
