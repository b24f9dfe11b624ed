{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="case_id",
        on_schema_change="fail",
        indexes=[{"columns": ["case_id", "newest_transition_id"]}, {"columns": ["newest_transition_id"]}]
    )
}}

{#- A case stays in a state until the next step leaves it; a step that leads to the state it came from is no new stay. -#}
with

steps as (

    select * from {{ ref("stg_ops__transition") }}
    {%- if is_incremental() %}
    where case_id = any(array({{ changed_cases(this) }}))
    {%- endif %}

),

entries as (

    select
        *,
        coalesce(to_state <> lag(to_state) over of_case, true) as is_entry,
        max(transition_id) over (partition by case_id) as newest_transition_id
    from steps
    window of_case as (partition by case_id order by step)

),

stays as (

    select
        case_id,
        step,
        to_state,
        to_state_label,
        stepped_at,
        newest_transition_id,
        lead(stepped_at) over (partition by case_id order by step) as left_at
    from entries
    where is_entry

),

final as (

    select
        case_id,
        step as entry_step,
        to_state as stage,
        to_state_label as stage_label,
        stepped_at as entered_at,
        left_at,
        left_at is null as is_current,
        round(extract(epoch from left_at - stepped_at) / 60, 2) as stayed_minutes,
        newest_transition_id
    from stays
    where to_state not in ('closed', 'voided')

)

select * from final
