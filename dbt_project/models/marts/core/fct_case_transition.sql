{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="transition_id",
        on_schema_change="fail",
        indexes=[{"columns": ["transition_id"], "unique": true}, {"columns": ["case_id", "step"], "unique": true}]
    )
}}

with

steps as (

    select
        *,
        lag(stepped_at) over (partition by case_id order by step) as stepped_before_at
    from {{ ref("stg_ops__transition") }}
    {%- if is_incremental() %}
    -- whole cases: a step is told with the time since the one before it
    where
        case_id = any(array(
            select distinct fresh.case_id
            from {{ ref("stg_ops__transition") }} as fresh
            where
                fresh.transition_id > (select coalesce(max(known.transition_id), 0) - 100000 from {{ this }} as known)
                and not exists (
                    select 1 from {{ this }} as known
                    where known.transition_id = fresh.transition_id
                )
        ))
    {%- endif %}

),

cases as (

    select * from {{ ref("stg_ops__case") }}
    {%- if is_incremental() %}
    where case_id = any(array(select distinct case_id from steps))
    {%- endif %}

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
        (extract(epoch from steps.stepped_at - steps.stepped_before_at) / 60)::numeric(18, 4) as minutes_since_step_before
    from steps
    inner join cases on steps.case_id = cases.case_id
    left join organisations on steps.organisation_id = organisations.organisation_id

)

select * from final
