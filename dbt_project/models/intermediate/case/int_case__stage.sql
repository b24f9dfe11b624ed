{#- A case stays in a state until the next step leaves it; a step that leads to the state it came from is no new stay. -#}
with

steps as (

    select * from {{ ref("stg_ops__transition") }}

),

entries as (

    select
        *,
        coalesce(to_state <> lag(to_state) over (partition by case_id order by step), true) as is_entry
    from steps

),

stays as (

    select
        case_id,
        step,
        to_state,
        to_state_label,
        stepped_at,
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
        round(extract(epoch from left_at - stepped_at) / 60, 2) as stayed_minutes
    from stays
    where to_state not in ('closed', 'voided')

)

select * from final
