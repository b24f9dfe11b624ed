with

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

orders as (

    select * from {{ ref("stg_meta__data_order") }}

),

final as (

    select
        orders.data_order_id,
        orders.dataset,
        datasets.title_zh as dataset_title,
        datasets.owner,
        datasets.owner_zh as owner_name,
        orders.rule_id,
        orders.card,
        case orders.card when 'red' then '红牌' else '黄牌' end as card_label,
        orders.unexpected_rows as rows_unexpected,
        orders.evaluated_rows as rows_evaluated,
        orders.opened_at,
        orders.closed_at,
        orders.closed_at is null as is_open,
        (extract(epoch from coalesce(orders.closed_at, '{{ run_started_at }}'::timestamptz) - orders.opened_at) / 3600)::numeric(12, 2)
            as age_hours,
        null as county_code,
        datasets.origin,
        datasets.origin_label,
        orders.opened_at as data_as_of
    from orders
    inner join datasets on orders.dataset = datasets.dataset

)

select * from final
