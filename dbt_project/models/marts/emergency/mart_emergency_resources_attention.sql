with

reach as (

    select * from {{ ref("fct_village_reach") }}

),

stock as (

    select * from {{ ref("stg_emergency_management__store_stock") }}

),

drills as (

    select * from {{ ref("stg_emergency_management__drill") }}

),

duties as (

    -- posts nobody is on, of the last 30 days and of all that is planned
    select
        duties.department,
        duties.county_code,
        coalesce(max(departments.department_name), duties.department) as department_name,
        count(distinct duties.duty_on)::integer as days_empty,
        min(duties.duty_on) filter (where duties.duty_on >= {{ build_day() }}) as next_empty_on,
        string_agg(distinct duties.shift || duties.role, '、' order by duties.shift || duties.role) as posts_empty,
        max(duties.loaded_at) as loaded_at
    from {{ ref("stg_emergency_management__duty") }} as duties
    left join {{ ref("stg_meta__department") }} as departments on duties.department = departments.department
    where not duties.is_filled and duties.duty_on >= {{ build_day() }} - 30
    group by duties.department, duties.county_code

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'emergency_team'

),

findings as (

    select
        'reach' as finding_kind,
        '15分钟不可达' as finding_kind_label,
        village_code as thing_code,
        village_name as thing_name,
        county_code,
        '最近队伍约 ' || round(team_minutes) || ' 分钟（' || team_name || '）' as attention_reason,
        team_minutes as severity,
        loaded_at
    from reach
    where not is_team_in_reach

    union all

    select
        'stock' as finding_kind,
        '物资不足' as finding_kind_label,
        store_code || ' ' || item as thing_code,
        store_name || item as thing_name,
        county_code,
        '现有 ' || quantity || unit || '，定额 ' || needed || unit as attention_reason,
        100 - 100 * quantity::numeric / needed as severity,
        loaded_at
    from stock
    where quantity < needed * 0.8

    union all

    select
        'drill' as finding_kind,
        '演练逾期' as finding_kind_label,
        drill_id as thing_code,
        plan_name as thing_name,
        county_code,
        '原定 ' || to_char(planned_on, 'YYYY-MM-DD') || '，尚未开展' as attention_reason,
        ({{ build_day() }} - planned_on)::numeric as severity,
        loaded_at
    from drills
    where held_on is null and planned_on < {{ build_day() }} - 30

    union all

    select
        'duty' as finding_kind,
        '值班空岗' as finding_kind_label,
        concat_ws(' ', department, county_code) as thing_code,
        department_name || '值班' as thing_name,
        county_code,
        days_empty || ' 天有岗无人：' || posts_empty || coalesce('；下一次 ' || to_char(next_empty_on, 'YYYY-MM-DD'), '')
            as attention_reason,
        days_empty::numeric as severity,
        loaded_at
    from duties

),

final as (

    select
        findings.finding_kind,
        findings.finding_kind_label,
        findings.thing_code,
        findings.thing_name,
        findings.county_code,
        areas.name as area_name,
        findings.attention_reason,
        case findings.finding_kind when 'duty' then 1 when 'stock' then 2 when 'drill' then 3 else 4 end as priority,
        findings.severity::numeric(18, 4) as severity,
        datasets.origin,
        datasets.origin_label,
        findings.loaded_at as data_as_of
    from findings
    cross join datasets
    inner join areas on findings.county_code = areas.area_code or (findings.county_code is null and areas.area_level = 'city')

)

select * from final
