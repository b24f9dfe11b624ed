{#- A list is approved when a second person has countersigned it: from then on it waits for its notice, not for a decision. -#}
with

lines as (

    select * from {{ ref("stg_ops__grant_line") }}

),

lists as (

    select * from {{ ref("stg_ops__grant_list") }}

),

files as (

    select * from {{ ref("stg_ops__payment_file") }}

),

parts as (

    select
        grant_line_id,
        sum(amount_yuan) as paid_yuan
    from {{ ref("stg_ops__grant_part") }}
    group by grant_line_id

),

judged as (

    select
        lines.*,
        coalesce(parts.paid_yuan, 0)::numeric(18, 2) as paid_yuan,
        lists.item_version_id,
        lists.list_number,
        lists.list_state,
        lists.list_state_label,
        lists.run_id,
        lists.origin,
        lists.created_at,
        lines.line_state in ('proposed', 'objected', 'held', 'paid') as is_proposed,
        lists.list_state in ('second_review', 'notice_open', 'notice_closed', 'payable', 'paid_file_made') as is_countersigned,
        files.created_at as paid_at
    from lines
    inner join lists on lines.grant_list_id = lists.grant_list_id
    left join files on lines.payment_file_id = files.payment_file_id
    left join parts on lines.grant_line_id = parts.grant_line_id

),

final as (

    select
        grant_line_id,
        grant_list_id,
        item_id,
        item_version_id,
        period_year,
        list_number,
        list_state,
        list_state_label,
        run_id,
        uscc,
        enterprise_name,
        county_code,
        line_state,
        case when line_state = 'proposed' then list_state_label else line_state_label end as line_state_label,
        reason,
        amount_yuan,
        case when is_proposed then amount_yuan else 0 end as proposed_yuan,
        case when is_proposed and is_countersigned then amount_yuan else 0 end as approved_yuan,
        paid_yuan,
        origin,
        created_at,
        paid_at
    from judged

)

select * from final
