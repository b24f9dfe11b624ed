with

items as (

    select * from {{ ref("dim_policy_item") }}
    where is_in_force

),

final as (

    select
        item_id,
        item_title,
        document_id,
        document_title,
        document_number,
        department_name,
        channel_label,
        valid_from,
        valid_to,
        amount_words,
        is_payable,
        case when is_payable then '可匹配' else '条款待核' end as readiness_label,
        unconfirmed,
        fund_id,
        fund_amount_yuan,
        source_url,
        origin,
        origin_label,
        published_at as data_as_of
    from items

)

select * from final
