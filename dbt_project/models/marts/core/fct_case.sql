{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="case_id",
        on_schema_change="fail",
        indexes=[
            {"columns": ["case_id"], "unique": true},
            {"columns": ["newest_transition_id"]},
            {"columns": ["is_open", "closed_at"]},
            {"columns": ["found_at"]}
        ]
    )
}}

with

cases as (

    select * from {{ ref("stg_ops__case") }}
    {%- if is_incremental() %}
    where
        case_id = any(array(
            {{ changed_cases(this) }}
            union
            -- limits run out and sightings add up without a step; a late sighting reaches a case that ended
            select known.case_id
            from {{ this }} as known
            where known.is_open or known.closed_at > '{{ run_started_at }}'::timestamptz - interval '2 days'
            union
            -- organisations are called what they are called now
            select known.case_id
            from {{ this }} as known
            left join {{ ref("stg_ops__organisation") }} as leads on known.lead_organisation_id = leads.organisation_id
            left join {{ ref("stg_ops__organisation") }} as handlers on known.handler_organisation_id = handlers.organisation_id
            where
                known.lead_name is distinct from leads.organisation_name
                or known.handler_name is distinct from handlers.organisation_name
        ))
    {%- endif %}

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

newest_steps as (

    select distinct on (case_id)
        case_id,
        transition_id,
        action,
        stepped_at
    from {{ ref("stg_ops__transition") }}
    {%- if is_incremental() %}
    where case_id = any(array(select case_id from cases))
    {%- endif %}
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
        cases.lead_organisation_id,
        cases.handler_organisation_id,
        cases.is_urgent,
        cases.found_at,
        cases.filed_at,
        cases.handled_at,
        cases.closed_at,
        coalesce(limits.has_handling_run_out, false) as has_handling_run_out,
        limits.handling_due_at,
        limits.next_due_at,
        limits.next_limit_label,
        cases.is_exempt,
        -- the lateness of an exempt case stays a fact above, and counts neither way here
        case when cases.state = 'closed' and not cases.is_exempt then not coalesce(limits.has_handling_run_out, false) end
            as is_closed_on_time,
        case when cases.state = 'closed' then newest_steps.action = 'pass_check' end as is_checked_by_machine,
        (case when cases.state = 'closed' then extract(epoch from cases.closed_at - cases.found_at) / 60 end)::numeric(18, 4)
            as minutes_to_close,
        cases.sightings,
        cases.rework_count,
        cases.origin,
        {{ origin_label("cases.origin") }} as origin_label,
        newest_steps.stepped_at as last_stepped_at,
        newest_steps.transition_id as newest_transition_id
    from cases
    left join limits on cases.case_id = limits.case_id
    left join scenarios on cases.scenario = scenarios.scenario
    left join organisations as leads on cases.lead_organisation_id = leads.organisation_id
    left join organisations as handlers on cases.handler_organisation_id = handlers.organisation_id
    left join newest_steps on cases.case_id = newest_steps.case_id

)

select * from final
