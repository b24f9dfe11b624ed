with

systems as (

    select * from {{ ref("int_capability__system") }}

),

savings as (

    select * from {{ ref("stg_data_resources__capability_saving") }}

),

calls as (

    select * from {{ ref("int_capability__call_day") }}

),

departments as (

    select * from {{ ref("dim_department") }}

),

-- deliveries come days after the desk's own counts: each has its own newest day
newest as (

    select
        origin,
        max(call_day) as call_day
    from calls
    group by origin

),

called as (

    select
        calls.system_code,
        max(calls.call_day) as last_call_day,
        sum(calls.calls) filter (where calls.call_day > newest.call_day - 30) as calls_30d,
        sum(calls.calls) filter (
            where calls.call_day <= newest.call_day - 30 and calls.call_day > newest.call_day - 60
        ) as calls_30d_before,
        sum(calls.calls) filter (where calls.call_day > newest.call_day - 365) as calls_12m,
        sum(calls.failed_calls) filter (where calls.call_day > newest.call_day - 30) as failed_calls_30d,
        max(calls.loaded_at) as loaded_at
    from calls
    inner join newest on calls.origin = newest.origin
    group by calls.system_code

),

judged as (

    select
        systems.*,
        savings.separate_yuan,
        savings.shared_yuan,
        called.last_call_day,
        coalesce(called.calls_30d, 0)::bigint as calls_30d,
        called.calls_30d_before::bigint as calls_30d_before,
        coalesce(called.calls_12m, 0)::bigint as calls_12m,
        called.failed_calls_30d / nullif(called.calls_30d, 0) as failed_rate_30d,
        greatest(systems.loaded_at, called.loaded_at) as data_as_of,
        case
            when called.last_call_day is null then '从未调用'
            when called.last_call_day <= newest.call_day - {{ var("capability_silent_days") }}
                then '已 ' || (newest.call_day - called.last_call_day) || ' 天无调用'
            when called.calls_30d < called.calls_30d_before * (1 - {{ var("capability_call_drop") }})
                then '近30天调用下降 ' || round(100 - 100.0 * called.calls_30d / called.calls_30d_before) || '%'
        end as attention_reason
    from systems
    left join newest on systems.origin = newest.origin
    left join savings on systems.system_code = savings.system_code
    left join called on systems.system_code = called.system_code

),

final as (

    select
        judged.system_code,
        judged.system_name,
        judged.department,
        coalesce(departments.department_name, judged.owner_name) as department_name,
        null::text as county_code,
        judged.connected_on,
        judged.capabilities,
        coalesce(array_length(string_to_array(judged.capabilities, '、'), 1), 0) as capability_count,
        judged.last_call_day,
        judged.calls_30d,
        judged.calls_30d_before,
        judged.calls_12m,
        judged.failed_rate_30d,
        judged.replaced_cost_yuan,
        judged.separate_yuan,
        judged.shared_yuan,
        judged.separate_yuan - judged.shared_yuan as saved_yuan,
        (judged.separate_yuan - judged.shared_yuan) / nullif(judged.separate_yuan, 0) as saving_rate,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        judged.origin,
        {{ origin_label("judged.origin") }} as origin_label,
        judged.data_as_of
    from judged
    left join departments on judged.department = departments.department

)

select * from final
