with

items as (

    select * from {{ ref("stg_data_resources__service_item") }}

),

records as (

    select * from {{ ref("fct_gov_service_record") }}

),

departments as (

    select * from {{ ref("dim_department") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'gov_service_item'

),

newest as (

    select max(greatest(accepted_at, finished_at)) - interval '12 months' as year_before from records

),

handled as (

    select
        records.item_code,
        count(*)::integer as records_12m,
        avg(records.working_days_spent) as mean_handling_days_12m,
        (count(*) filter (where records.is_late))::numeric / nullif(count(records.finished_at), 0) as late_rate_12m,
        count(records.finished_at)::integer as records_finished_12m
    from records
    cross join newest
    where records.accepted_at > newest.year_before
    group by records.item_code

),

judged as (

    select
        items.*,
        handled.records_12m,
        handled.records_finished_12m,
        handled.mean_handling_days_12m,
        handled.late_rate_12m,
        nullif(concat_ws(
            '；',
            case when not items.is_online then '未上线' end,
            case when items.visits > 1 then '需到现场 ' || items.visits || ' 次' end,
            case
                when
                    handled.records_finished_12m >= {{ var("service_least_records") }}
                    and handled.late_rate_12m > {{ var("service_late_rate") }}
                    then '超期率 ' || round(handled.late_rate_12m * 100) || '%'
            end
        ), '') as attention_reason
    from items
    left join handled on items.item_code = handled.item_code

),

final as (

    select
        judged.item_code,
        judged.item_name,
        judged.department,
        departments.department_name,
        null::text as county_code,
        judged.item_kind,
        judged.service_object,
        judged.is_online,
        judged.online_level,
        coalesce(judged.online_level_label, '未上线') as online_level_label,
        coalesce(judged.online_level = 4, false) as is_fully_online,
        judged.visits,
        judged.visits <= 1 as is_at_most_one_visit,
        judged.legal_days,
        judged.promised_days,
        coalesce(judged.records_12m, 0) as records_12m,
        judged.mean_handling_days_12m,
        judged.late_rate_12m,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets
    inner join departments on judged.department = departments.department

)

select * from final
