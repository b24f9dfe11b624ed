{#-
    The limits of a case taken together. A limit is kept in its own time: nights and holidays do not use up working hours, and a pause uses
    up nothing, so a case is late only when its clock says so. A limit that ran out stays a fact when the case is given to somebody else.
-#}
with

clocks as (

    select * from {{ ref("stg_ops__clock") }}

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

cases as (

    select distinct case_id from clocks

),

final as (

    select
        cases.case_id,
        coalesce(handling.has_handling_run_out, false) as has_handling_run_out,
        handling.handling_due_at,
        coalesce(handling.handlings, 0) as handlings,
        running.due_at as next_due_at,
        running.limit_stage_label as next_limit_label
    from cases
    left join handling on cases.case_id = handling.case_id
    left join running on cases.case_id = running.case_id

)

select * from final
