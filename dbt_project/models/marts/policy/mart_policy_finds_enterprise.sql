{{ config(indexes=[{"columns": ["proposed_yuan"]}]) }}
with

matches as (

    select * from {{ ref("fct_policy_match") }}

),

lines as (

    select * from {{ ref("int_policy__granted") }}

),

items as (

    select * from {{ ref("int_policy__item_now") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

registers as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

joined as (

    select
        coalesce(matches.item_id, lines.item_id) as item_id,
        coalesce(matches.uscc, lines.uscc) as uscc,
        coalesce(matches.enterprise_name, lines.enterprise_name) as enterprise_name,
        coalesce(matches.county_code, lines.county_code) as county_code,
        coalesce(matches.status, 'granted') as match_status,
        matches.amount_yuan,
        matches.outcome,
        lines.line_state_label,
        matches.run_day,
        -- officers' lines count; what nobody has put on a list yet counts as the run proposed it
        coalesce(lines.proposed_yuan, matches.proposed_yuan, 0) as proposed_yuan,
        coalesce(lines.approved_yuan, 0) as approved_yuan,
        coalesce(lines.paid_yuan, 0) as paid_yuan,
        greatest(matches.matched_at, lines.changed_at) as data_as_of
    from matches
    full outer join lines on matches.item_id = lines.item_id and matches.uscc = lines.uscc

),

final as (

    select
        joined.uscc,
        joined.enterprise_name,
        joined.county_code,
        counties.name as county_name,
        items.document_title,
        joined.item_id,
        items.item_title,
        items.department_name,
        items.channel_label,
        joined.match_status,
        case joined.match_status
            when 'eligible' then '符合条件' when 'needs_data' then '缺数据' when 'near' then '差一项' else '已列名单'
        end as match_status_label,
        coalesce(
            joined.line_state_label,
            case joined.outcome when 'pay' then '待列名单' when 'excluded' then '不重复享受' when 'unfunded' then '资金不足' end,
            '未列名单'
        ) as grant_state_label,
        joined.amount_yuan,
        joined.proposed_yuan::numeric(18, 2) as proposed_yuan,
        joined.approved_yuan::numeric(18, 2) as approved_yuan,
        joined.paid_yuan::numeric(18, 2) as paid_yuan,
        joined.run_day,
        case when items.origin = 'real' then registers.origin else 'synthetic' end as origin,
        {{ origin_label("case when items.origin = 'real' then registers.origin else 'synthetic' end") }} as origin_label,
        joined.data_as_of
    from joined
    inner join items on joined.item_id = items.item_id
    cross join registers
    left join counties on joined.county_code = counties.area_code

)

select * from final
