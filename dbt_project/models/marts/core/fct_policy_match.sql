with

newest as (

    select * from {{ ref("stg_policy__match_run") }}
    order by run_id desc
    limit 1

),

results as (

    select * from {{ ref("stg_policy__match_result") }}

),

proposals as (

    select * from {{ ref("stg_policy__proposal") }}

),

items as (

    select * from {{ ref("dim_policy_item") }}

),

final as (

    select
        results.item_version_id,
        results.uscc,
        results.enterprise_name,
        results.county_code,
        items.item_id,
        results.status,
        results.unmet_mask,
        results.unknown_mask,
        results.distance,
        results.amount_yuan,
        proposals.outcome,
        case when proposals.outcome = 'pay' then proposals.amount_yuan else 0 end as proposed_yuan,
        proposals.reason as outcome_reason,
        excluding.item_title as excluded_by_item,
        newest.run_id,
        newest.run_day,
        newest.finished_at as matched_at
    from results
    inner join newest on results.run_id = newest.run_id
    inner join items on results.item_version_id = items.item_version_id
    left join
        proposals
        on
            results.run_id = proposals.run_id
            and results.item_version_id = proposals.item_version_id
            and results.uscc = proposals.uscc
    left join items as excluding on proposals.excluded_by = excluding.item_version_id

)

select * from final
