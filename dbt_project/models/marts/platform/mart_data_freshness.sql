with

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where is_active

),

batches as (

    select * from {{ ref("stg_meta__batch") }}

),

deliveries as (

    select * from {{ ref("stg_meta__delivery") }}

),

arrivals as (

    select
        dataset,
        max(delivered_at) filter (where outcome <> 'refused') as last_delivered_at
    from deliveries
    group by dataset

),

counted as (

    select
        dataset,
        max(settled_at) filter (where state = 'loaded') as last_loaded_at,
        max(logical_date) filter (where state = 'loaded') as last_logical_date,
        count(*)::integer as batches,
        (count(*) filter (where state = 'held'))::integer as batches_held,
        (count(*) filter (where state in ('refused', 'rejected')))::integer as batches_refused,
        sum(rows_in)::bigint as rows_in,
        sum(rows_loaded)::bigint as rows_loaded,
        sum(rows_quarantined)::bigint as rows_quarantined,
        sum(rows_rejected)::bigint as rows_rejected,
        sum(rows_quarantined) filter (where state = 'loaded')
        / nullif(sum(rows_in) filter (where state = 'loaded'), 0) as quarantine_rate
    from batches
    group by dataset

),

timed as (

    select
        datasets.*,
        arrivals.last_delivered_at,
        arrivals.last_delivered_at + datasets.arrival_sla as due_at,
        '{{ run_started_at }}'::timestamptz as checked_at
    from datasets
    left join arrivals on datasets.dataset = arrivals.dataset

),

judged as (

    select
        *,
        case
            when last_delivered_at is null then 'never'
            when arrival_sla is null then 'no_limit'
            when due_at < checked_at then 'late'
            else 'fresh'
        end as freshness
    from timed

),

final as (

    select
        judged.dataset,
        judged.title_zh as dataset_title,
        judged.owner,
        judged.owner_zh as owner_name,
        judged.family,
        judged.schedule,
        (extract(epoch from judged.arrival_sla) / 60)::integer as arrival_sla_minutes,
        judged.last_delivered_at,
        counted.last_loaded_at,
        counted.last_logical_date,
        judged.due_at,
        judged.freshness,
        case judged.freshness
            when 'fresh' then '及时' when 'late' then '迟到' when 'never' then '从未到达' else '无时限'
        end as freshness_label,
        coalesce(counted.batches, 0) as batches,
        coalesce(counted.batches_held, 0) as batches_held,
        coalesce(counted.batches_refused, 0) as batches_refused,
        coalesce(counted.rows_in, 0) as rows_in,
        coalesce(counted.rows_loaded, 0) as rows_loaded,
        coalesce(counted.rows_quarantined, 0) as rows_quarantined,
        coalesce(counted.rows_rejected, 0) as rows_rejected,
        counted.quarantine_rate,
        judged.checked_at,
        judged.origin,
        judged.origin_label
    from judged
    left join counted on judged.dataset = counted.dataset

)

select * from final
