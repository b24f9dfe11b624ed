with

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

tables as (

    select * from {{ ref("stg_meta__warehouse_table") }}

),

rules as (

    select
        batches.dataset,
        count(distinct results.rule_id) as rules
    from {{ ref("stg_meta__gate_result") }} as results
    inner join {{ ref("stg_meta__batch") }} as batches on results.batch_id = batches.batch_id
    group by batches.dataset

),

batches as (

    select
        dataset,
        count(*)::integer as objects,
        sum(bytes)::bigint as lake_bytes,
        sum(rows_loaded)::bigint as rows_loaded,
        sum(rows_quarantined) filter (where state = 'loaded') / nullif(sum(rows_in) filter (where state = 'loaded'), 0)
            as quarantine_rate,
        max(landed_at) as last_landed_at,
        max(settled_at) filter (where state = 'loaded') as data_as_of
    from {{ ref("stg_meta__batch") }}
    group by dataset

),

titles as (

    select
        named.table_name,
        named.title
    from ({{ table_titles() }}) as named (table_name, title)

),

original as (

    select
        'original' as share_kind,
        datasets.dataset as table_name,
        datasets.title_zh as table_title,
        datasets.family,
        datasets.owner,
        datasets.owner_zh as owner_name,
        datasets.identifier,
        coalesce(batches.rows_loaded, 0) as table_rows,
        coalesce(tables.bytes, 0) as table_bytes,
        coalesce(batches.objects, 0) as objects,
        coalesce(batches.lake_bytes, 0) as lake_bytes,
        coalesce(batches.quarantine_rate, 0) as quarantine_rate,
        -- described as a city's catalogue wants it: identified, with columns, rules and a promise of arrival
        datasets.identifier is not null and datasets.columns_described > 0 and coalesce(rules.rules, 0) > 3
        and datasets.arrival_sla is not null as is_catalogued,
        datasets.arrival_sla is not null as has_arrival_limit,
        case
            when datasets.arrival_sla is null then null
            else
                batches.last_landed_at is not null
                and batches.last_landed_at + datasets.arrival_sla >= '{{ run_started_at }}'::timestamptz
        end as is_on_time,
        datasets.origin,
        datasets.origin_label,
        batches.data_as_of
    from datasets
    left join batches on datasets.dataset = batches.dataset
    left join tables on datasets.dataset = tables.table_name and tables.schema_name = 'raw'
    left join rules on datasets.dataset = rules.dataset
    where datasets.is_active

),

fused as (

    select
        'fused' as share_kind,
        tables.table_name,
        coalesce(titles.title, tables.table_name) as table_title,
        null as family,
        null as owner,
        null as owner_name,
        null as identifier,
        tables.rows_estimated as table_rows,
        tables.bytes as table_bytes,
        0 as objects,
        0::bigint as lake_bytes,
        null::numeric as quarantine_rate,
        true as is_catalogued,  -- dbt keeps description, labels and tests of every model
        false as has_arrival_limit,
        null::boolean as is_on_time,
        'synthetic' as origin,
        {{ origin_label("'synthetic'") }} as origin_label,
        '{{ run_started_at }}'::timestamptz as data_as_of
    from tables
    left join titles on tables.table_name = titles.table_name
    where tables.schema_name = 'marts'

),

assets as (

    select * from original
    union all
    select * from fused

),

judged as (

    -- what is wrong, the gravest first; data that the platform makes itself is watched by its tests
    select
        *,
        case
            when share_kind = 'fused' then null
            when is_on_time is false then 1
            when quarantine_rate >= {{ var("lake_quarantine_rate") }} then 2
            when not is_catalogued then 3
        end as attention_rank
    from assets

),

final as (

    select
        share_kind,
        case share_kind when 'original' then '原始数据' else '融合数据' end as share_kind_label,
        table_name,
        table_title,
        family,
        {{ family_label("family") }} as family_label,
        owner,
        owner_name,
        identifier,
        table_rows,
        table_bytes,
        objects,
        lake_bytes,
        quarantine_rate::numeric(18, 4) as quarantine_rate,
        is_catalogued,
        has_arrival_limit,
        is_on_time,
        attention_rank is not null as needs_attention,
        attention_rank,
        case attention_rank
            when 1 then '超过到达时限'
            when 2 then '隔离 ' || round(100 * quarantine_rate, 1) || '% 的行'
            when 3 then case when has_arrival_limit then '目录信息不全' else '没有约定到达时限' end
        end as attention_reason,
        null as county_code,
        origin,
        origin_label,
        data_as_of
    from judged

)

select * from final
