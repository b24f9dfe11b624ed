{#- How long each current entity stood, and its newest yearly facts and flags. -#}
with

enterprises as (

    select * from {{ ref("dim_enterprise") }}
    where is_current

),

facts as (

    select distinct on (uscc) * from {{ ref("fct_enterprise_year") }}
    order by uscc asc, fact_year desc

),

final as (

    select
        enterprises.uscc,
        enterprises.enterprise_name,
        enterprises.county_code,
        enterprises.county_name,
        enterprises.township_name,
        enterprises.section_code,
        enterprises.section_name,
        enterprises.division_code,
        enterprises.division_name,
        coalesce(enterprises.entity_kind, '未知') as entity_kind,
        enterprises.established_on,
        enterprises.closed_on,
        -- an entity struck off without a date is counted on no day
        case
            when enterprises.closed_on is not null then enterprises.closed_on
            when enterprises.status in ('注销', '吊销') then enterprises.established_on
            else 'infinity'::date
        end as stood_until,
        enterprises.register_date,
        facts.fact_year,
        facts.size_band_label,
        facts.arrears_months,
        facts.layoff_rate,
        facts.revenue_change_rate,
        facts.insured_rate,
        num_nonnulls(
            nullif(facts.is_in_arrears, false), nullif(facts.is_laying_off, false),
            nullif(facts.is_losing_revenue, false), nullif(facts.is_under_insured, false)
        ) as risk_count,
        nullif(concat_ws(
            '；',
            case when facts.is_in_arrears then '社保欠缴 ' || facts.arrears_months || ' 个月' end,
            case when facts.is_laying_off then '裁员率 ' || round(facts.layoff_rate * 100, 1) || '%' end,
            case when facts.is_losing_revenue then '营收下降 ' || round(-facts.revenue_change_rate * 100, 1) || '%' end,
            case when facts.is_under_insured then '参保率 ' || round(facts.insured_rate * 100, 1) || '%' end
        ), '') as risk_reasons,
        greatest(enterprises.loaded_at, facts.loaded_at) as loaded_at
    from enterprises
    left join facts on enterprises.uscc = facts.uscc

)

select * from final
