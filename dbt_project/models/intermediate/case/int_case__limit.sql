{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="case_id",
        on_schema_change="fail",
        indexes=[{"columns": ["case_id"], "unique": true}, {"columns": ["newest_transition_id"]}]
    )
}}

{#-
    The limits of a case taken together. A limit is kept in its own time: nights and holidays do not use up working hours, and a pause uses
    up nothing, so a case is late only when its clock says so. A limit that ran out stays a fact when the case is given to somebody else.
-#}
with

clocks as (

    select * from {{ ref("stg_ops__clock") }}
    {%- if is_incremental() %}
    -- the watch over running limits writes to them without a step
    where
        case_id = any(array(
            select known.case_id
            from {{ this }} as known
            where known.next_due_at is not null
            union
            {{ changed_cases(this) }}
        ))
    {%- endif %}

),

running as (

    select distinct on (case_id)
        case_id,
        due_at,
        limit_stage_label
    from clocks
    where clock_state = 'running'
    order by case_id asc, due_at asc

),

handling as (

    select
        case_id,
        bool_or(has_run_out) as has_handling_run_out,
        count(*)::integer as handlings,
        min(due_at) as handling_due_at
    from clocks
    where limit_stage = 'handle'
    group by case_id

),

steps as (

    select * from {{ ref("stg_ops__transition") }}
    {%- if is_incremental() %}
    where case_id = any(array(select distinct case_id from clocks))
    {%- endif %}

),

cases as (

    select
        clocked.case_id,
        max(steps.transition_id) as newest_transition_id
    from (select distinct case_id from clocks) as clocked
    left join steps on clocked.case_id = steps.case_id
    group by clocked.case_id

),

final as (

    select
        cases.case_id,
        coalesce(handling.has_handling_run_out, false) as has_handling_run_out,
        handling.handling_due_at,
        coalesce(handling.handlings, 0) as handlings,
        running.due_at as next_due_at,
        running.limit_stage_label as next_limit_label,
        cases.newest_transition_id
    from cases
    left join handling on cases.case_id = handling.case_id
    left join running on cases.case_id = running.case_id

)

select * from final
