with

lines as (

    select * from {{ ref("fct_grant_line") }}
    where line_state <> 'released'  -- what was made void counts for nothing

),

final as (

    select
        item_id,
        uscc,
        max(enterprise_name) as enterprise_name,
        max(county_code) as county_code,
        sum(proposed_yuan) as proposed_yuan,
        sum(approved_yuan) as approved_yuan,
        sum(paid_yuan) as paid_yuan,
        (array_agg(line_state_label order by grant_line_id desc))[1] as line_state_label,
        max(coalesce(paid_at, created_at)) as changed_at
    from lines
    group by item_id, uscc

)

select * from final
