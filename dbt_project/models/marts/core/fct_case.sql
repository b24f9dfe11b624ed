with

cases as (

    select * from {{ ref("stg_ops__case") }}

),

limits as (

    select * from {{ ref("int_case__limit") }}

),

scenarios as (

    select * from {{ ref("stg_meta__scenario") }}

),

organisations as (

    select * from {{ ref("stg_ops__organisation") }}

),

endings as (

    select distinct on (case_id)
        case_id,
        action
    from {{ ref("stg_ops__transition") }}
    where to_state = 'closed'
    order by case_id asc, step desc

),

final as (

    select
        cases.case_id,
        cases.case_number,
        cases.scenario,
        coalesce(scenarios.scenario_name, cases.scenario) as scenario_name,
        scenarios.domain,
        coalesce(scenarios.domain_name, '未分类') as domain_name,
        cases.class_code,
        cases.case_title,
        cases.place_id,
        cases.place_name,
        cases.area_code,
        cases.county_code,
        cases.source_kind,
        cases.source_kind_label,
        cases.is_auto_collected,
        cases.state,
        cases.state_label,
        cases.state not in ('closed', 'voided') as is_open,
        cases.state = 'closed' as is_closed,
        cases.state = 'voided' as is_voided,
        leads.organisation_name as lead_name,
        handlers.organisation_name as handler_name,
        cases.is_urgent,
        cases.found_at,
        cases.filed_at,
        cases.handled_at,
        cases.closed_at,
        coalesce(limits.has_handling_run_out, false) as has_handling_run_out,
        limits.handling_due_at,
        limits.next_due_at,
        limits.next_limit_label,
        case when cases.state = 'closed' then not coalesce(limits.has_handling_run_out, false) end as is_closed_on_time,
        case when cases.state = 'closed' then endings.action = 'pass_check' end as is_checked_by_machine,
        case when cases.state = 'closed' then extract(epoch from cases.closed_at - cases.found_at) / 60 end as minutes_to_close,
        cases.sightings,
        cases.rework_count,
        cases.origin,
        {{ origin_label("cases.origin") }} as origin_label
    from cases
    left join limits on cases.case_id = limits.case_id
    left join scenarios on cases.scenario = scenarios.scenario
    left join organisations as leads on cases.lead_organisation_id = leads.organisation_id
    left join organisations as handlers on cases.handler_organisation_id = handlers.organisation_id
    left join endings on cases.case_id = endings.case_id

)

select * from final
