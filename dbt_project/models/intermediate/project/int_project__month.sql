{#- Every month of a major project from its planned start to the newest report: time gone against money invested, silence, permits. -#}
with

projects as (

    select * from {{ ref("stg_development_reform__major_project") }}

),

progress as (

    select * from {{ ref("stg_development_reform__progress") }}

),

permits as (

    select * from {{ ref("stg_natural_resources__building_permit") }}
    where project_code is not null

),

newest as (

    select max(month) as month from progress

),

months as (

    select
        projects.project_code,
        projects.total_wan,
        projects.planned_start_on,
        projects.planned_finish_on,
        series.month::date as month,
        (series.month + interval '1 month - 1 day')::date as month_end,
        projects.loaded_at
    from projects
    cross join newest
    cross join lateral generate_series(
        date_trunc('month', projects.planned_start_on::timestamp), newest.month::timestamp, interval '1 month'
    ) as series (month)

),

invested as (

    select
        months.*,
        progress.invested_wan is not null as is_reported,
        coalesce(progress.invested_wan, 0) as month_wan,
        sum(coalesce(progress.invested_wan, 0)) over to_month as invested_wan,
        count(*) filter (where progress.invested_wan > 0) over to_month as active_months,
        greatest(months.loaded_at, progress.loaded_at) as changed_at
    from months
    left join progress on months.project_code = progress.project_code and months.month = progress.month
    window to_month as (partition by months.project_code order by months.month)

),

shares as (

    select
        *,
        least((month_end - planned_start_on + 1)::numeric / (planned_finish_on - planned_start_on + 1), 1) as time_share,
        invested_wan / total_wan as invested_share,
        -- months since the last one with money: each of them has the same number of active months behind it
        count(*) filter (where month_wan = 0) over (
            partition by project_code, active_months order by month
        ) as months_without_progress
    from invested

),

permitted as (

    select distinct
        months.project_code,
        months.month
    from months
    inner join permits
        on
            months.project_code = permits.project_code
            and months.month_end >= permits.valid_from
            and months.month <= permits.valid_until

),

final as (

    select
        shares.project_code,
        shares.month,
        shares.is_reported,
        shares.month_wan,
        shares.invested_wan,
        shares.time_share,
        shares.invested_share,
        round(100 * (shares.time_share - shares.invested_share), 2) as lag_points,
        shares.months_without_progress::integer as months_without_progress,
        -- reports are rounded to a cent: the last one may leave a rest
        shares.invested_share >= 0.999 as is_finished,
        permitted.month is not null as has_permit,
        shares.changed_at as loaded_at
    from shares
    left join permitted on shares.project_code = permitted.project_code and shares.month = permitted.month

)

select * from final
