with

investment as (

    select * from {{ ref("fct_investment_project") }}
    where is_stalled

),

major as (

    select * from {{ ref("fct_major_project_month") }}
    where is_latest_month and (is_lagging or is_silent or is_unpermitted)

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

listed as (

    select
        'investment_project' as dataset,
        '招商项目' as project_kind,
        project_code,
        project_name,
        county_code,
        county_name,
        agreed_wan as total_wan,
        invested_wan,
        stall_reason as reason,
        days_waiting,
        1 as reason_count,
        loaded_at
    from investment

    union all

    select
        'major_project_progress' as dataset,
        '重点项目' as project_kind,
        project_code,
        project_name,
        county_code,
        county_name,
        total_wan,
        invested_wan,
        concat_ws(
            '；',
            case when is_lagging then '投资进度落后 ' || round(lag_points, 1) || ' 个百分点' end,
            case when is_silent then '连续 ' || months_without_progress || ' 期无进展' end,
            case when is_unpermitted then '缺有效规划许可' end
        ) as reason,
        null::integer as days_waiting,
        is_lagging::integer + is_silent::integer + is_unpermitted::integer as reason_count,
        loaded_at
    from major

),

final as (

    select
        listed.project_kind,
        listed.project_code,
        listed.project_name,
        listed.county_code,
        listed.county_name,
        listed.total_wan,
        listed.invested_wan,
        listed.reason,
        listed.reason_count,
        listed.days_waiting,
        datasets.origin,
        datasets.origin_label,
        listed.loaded_at as data_as_of
    from listed
    inner join datasets on listed.dataset = datasets.dataset

)

select * from final
