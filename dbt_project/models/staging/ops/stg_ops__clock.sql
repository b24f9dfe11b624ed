with

source as (

    -- not *: persons and what they wrote are for the desk alone
    select
        id,
        case_id,
        stage,
        state,
        unit,
        budget,
        consumed_seconds,
        started_at,
        due_at,
        stopped_at,
        overdue
    from {{ source("ops", "clock") }}

),

renamed as (

    select
        id as clock_id,
        case_id,
        stage::text as limit_stage,
        case stage::text when 'dispatch' then '派遣' when 'accept' then '接单' when 'handle' then '处置' when 'check' then '核查' else stage::text
        end as limit_stage_label,
        state::text as clock_state,
        unit::text as limit_unit,
        budget as limit_value,
        consumed_seconds,
        started_at,
        due_at,
        stopped_at,
        overdue as has_run_out
    from source

)

select * from renamed
