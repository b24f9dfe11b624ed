with

matches as (

    select * from {{ ref("fct_policy_match") }}

),

criteria as (

    select * from {{ ref("stg_policy__criterion") }}

),

lines as (

    select * from {{ ref("fct_grant_line") }}
    where line_state in ('excluded', 'objected', 'held')

),

versions as (

    select * from {{ ref("dim_policy_item") }}

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

reasons as (

    -- what no department has delivered, or what the clause itself leaves open
    select
        matches.item_id,
        matches.uscc,
        matches.county_code,
        'needs_data' as reason_kind,
        case
            when criteria.sentence like '%待核定%' then criteria.sentence
            when criteria.fact is not null then '缺' || criteria.fact_label
            when not versions.is_payable then '条款数额待核'
            else '缺' || coalesce(versions.amount_fact_label, '计算金额的数据')
        end as reason,
        -- what a clause leaves open is for the department that carries it out
        case
            when criteria.sentence like '%待核定%' or (criteria.fact is null and not versions.is_payable)
                then versions.department_name
            when criteria.fact is not null then criteria.source_department_name
            else coalesce(versions.amount_fact_department_name, versions.department_name)
        end as source_department_name,
        matches.amount_yuan,
        matches.unknown_mask = 1::bigint << criteria.bit as is_only_reason,
        matches.matched_at as data_as_of
    from matches
    inner join versions on matches.item_version_id = versions.item_version_id
    inner join
        criteria
        on matches.item_version_id = criteria.item_version_id and (matches.unknown_mask >> criteria.bit) & 1 = 1
    where matches.status = 'needs_data'

    union all

    select
        matches.item_id,
        matches.uscc,
        matches.county_code,
        'near' as reason_kind,
        '未满足：' || criteria.sentence as reason,
        null as source_department_name,
        matches.amount_yuan,
        matches.unmet_mask = 1::bigint << criteria.bit and matches.unknown_mask = 0 as is_only_reason,
        matches.matched_at as data_as_of
    from matches
    inner join
        criteria
        on matches.item_version_id = criteria.item_version_id and (matches.unmet_mask >> criteria.bit) & 1 = 1
    where matches.status = 'near'

    union all

    select
        item_id,
        uscc,
        county_code,
        outcome as reason_kind,
        case
            when excluded_by_item is not null then '已享受“' || excluded_by_item || '”'
            else split_part(outcome_reason, ' ', 1)
        end as reason,
        null as source_department_name,
        amount_yuan,
        true as is_only_reason,
        matched_at as data_as_of
    from matches
    where outcome in ('excluded', 'unfunded')

    union all

    select
        item_id,
        uscc,
        county_code,
        'officer' as reason_kind,
        line_state_label || coalesce('：' || reason, '') as reason,
        null as source_department_name,
        amount_yuan,
        true as is_only_reason,
        created_at as data_as_of
    from lines

),

counted as (

    select
        item_id,
        county_code,
        reason_kind,
        reason,
        source_department_name,
        count(distinct uscc)::integer as enterprises,
        (count(distinct uscc) filter (where is_only_reason))::integer as enterprises_only_this,
        coalesce(sum(amount_yuan), 0)::numeric(18, 2) as waiting_yuan,
        (count(*) filter (where amount_yuan is null))::integer as enterprises_without_amount,
        max(data_as_of) as data_as_of
    from reasons
    group by item_id, county_code, reason_kind, reason, source_department_name

),

final as (

    select
        counted.item_id,
        items.item_title,
        items.document_title,
        items.department_name,
        counted.county_code,
        counties.name as county_name,
        counted.reason_kind,
        case counted.reason_kind
            when 'needs_data' then '缺数据' when 'near' then '差一项' when 'excluded' then '不重复享受'
            when 'unfunded' then '资金不足' else '审核或异议'
        end as reason_kind_label,
        counted.reason,
        counted.source_department_name,
        counted.enterprises,
        counted.enterprises_only_this,
        counted.enterprises_without_amount,
        counted.waiting_yuan,
        case when items.origin = 'real' then registers.origin else 'synthetic' end as origin,
        {{ origin_label("case when items.origin = 'real' then registers.origin else 'synthetic' end") }} as origin_label,
        counted.data_as_of
    from counted
    inner join items on counted.item_id = items.item_id
    cross join registers
    left join counties on counted.county_code = counties.area_code

)

select * from final
