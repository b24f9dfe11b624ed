with

steps as (

    select * from {{ ref("stg_ops__transition") }}

),

cases as (

    select * from {{ ref("stg_ops__case") }}

),

organisations as (

    select * from {{ ref("stg_ops__organisation") }}

),

final as (

    select
        steps.transition_id,
        steps.case_id,
        cases.case_number,
        cases.scenario,
        cases.county_code,
        steps.step,
        steps.from_state,
        steps.to_state,
        steps.to_state_label,
        steps.action,
        organisations.organisation_name,
        -- the platform belongs to no organisation
        steps.organisation_id is null as is_by_platform,
        steps.rules_version,
        steps.stepped_at,
        extract(epoch from steps.stepped_at - lag(steps.stepped_at) over (partition by steps.case_id order by steps.step))
        / 60 as minutes_since_step_before
    from steps
    inner join cases on steps.case_id = cases.case_id
    left join organisations on steps.organisation_id = organisations.organisation_id

)

select * from final
