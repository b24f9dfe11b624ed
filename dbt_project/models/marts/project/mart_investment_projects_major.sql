with

months as (

    select * from {{ ref("fct_major_project_month") }}

),

milestones as (

    select * from {{ ref("stg_development_reform__milestone") }}

),

permits as (

    select
        project_code,
        max(permit_no) as permit_no,
        max(valid_until) as permit_until
    from {{ ref("fct_building_permit") }}
    where project_code is not null
    group by project_code

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'major_project_progress'

),

next_milestones as (

    select distinct on (project_code)
        project_code,
        milestone,
        planned_on,
        greatest(register_date - planned_on, 0) as days_late
    from milestones
    where actual_on is null
    order by project_code asc, planned_on asc

),

passed as (

    select
        project_code,
        (count(*) filter (where actual_on is not null))::integer as milestones_reached,
        (count(*) filter (where actual_on is null and planned_on < register_date))::integer as milestones_late
    from milestones
    group by project_code

),

final as (

    select
        months.project_code,
        months.project_name,
        months.county_code,
        months.county_name,
        months.sector,
        months.month,
        months.planned_start_on,
        months.planned_finish_on,
        months.total_wan,
        months.invested_wan,
        months.month_wan,
        months.time_share,
        months.invested_share,
        months.lag_points,
        months.months_without_progress,
        months.is_finished,
        months.is_lagging,
        months.is_silent,
        months.is_unpermitted,
        permits.permit_no,
        permits.permit_until,
        coalesce(passed.milestones_reached, 0) as milestones_reached,
        coalesce(passed.milestones_late, 0) as milestones_late,
        next_milestones.milestone as next_milestone,
        next_milestones.planned_on as next_planned_on,
        next_milestones.days_late as next_days_late,
        months.is_lagging or months.is_silent or months.is_unpermitted as needs_attention,
        nullif(concat_ws(
            '；',
            case when months.is_lagging then '投资进度落后 ' || round(months.lag_points, 1) || ' 个百分点' end,
            case when months.is_silent then '连续 ' || months.months_without_progress || ' 期无进展' end,
            case when months.is_unpermitted then '缺有效规划许可' end
        ), '') as attention_reason,
        datasets.origin,
        datasets.origin_label,
        months.loaded_at as data_as_of
    from months
    cross join datasets
    left join permits on months.project_code = permits.project_code
    left join passed on months.project_code = passed.project_code
    left join next_milestones on months.project_code = next_milestones.project_code
    where months.is_latest_month

)

select * from final
