with

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where is_active

),

batches as (

    select * from {{ ref("stg_meta__batch") }}

),

results as (

    select * from {{ ref("stg_meta__gate_result") }}

),

orders as (

    select * from {{ ref("stg_meta__data_order") }}
    where closed_at is null

),

newest as (

    select distinct on (batches.dataset, results.rule_id)
        batches.dataset,
        results.rule_id,
        results.rule_kind,
        results.column_name,
        results.card,
        results.unexpected_rows,
        results.evaluated_rows,
        results.gated_at
    from results
    inner join batches on results.batch_id = batches.batch_id
    order by batches.dataset asc, results.rule_id asc, results.gated_at desc, results.gate_result_id desc

),

final as (

    select
        newest.dataset,
        datasets.title_zh as dataset_title,
        datasets.family,
        {{ family_label("datasets.family") }} as family_label,
        datasets.owner,
        datasets.owner_zh as owner_name,
        newest.rule_id,
        newest.rule_kind,
        {{ rule_kind_label("newest.rule_kind") }} as rule_kind_label,
        newest.column_name,
        newest.card is null as is_passed,
        newest.card,
        case newest.card when 'red' then '红牌' when 'yellow' then '黄牌' else '通过' end as card_label,
        newest.unexpected_rows as rows_unexpected,
        newest.evaluated_rows as rows_evaluated,
        newest.rule_kind = 'not_null' as is_null_rule,
        newest.rule_kind = 'unique' or newest.rule_id = 'key_once' as is_duplicate_rule,
        orders.opened_at as failing_since,
        (extract(epoch from '{{ run_started_at }}'::timestamptz - orders.opened_at) / 3600)::numeric(12, 2)
            as failing_hours,
        newest.gated_at as checked_at,
        null as county_code,
        datasets.origin,
        datasets.origin_label,
        newest.gated_at as data_as_of
    from newest
    inner join datasets on newest.dataset = datasets.dataset
    left join orders on newest.dataset = orders.dataset and newest.rule_id = orders.rule_id

)

select * from final
