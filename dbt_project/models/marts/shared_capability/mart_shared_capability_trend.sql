with

calls as (

    select * from {{ ref("int_capability__call_day") }}

),

systems as (

    select * from {{ ref("int_capability__system") }}

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

months as (

    select
        date_trunc('month', calls.call_day)::date as month,
        calls.capability,
        systems.department,
        max(systems.owner_name) as owner_name,
        max(calls.origin) as origin,  -- what the desk counts has names of its own, so a capability is of one origin
        count(distinct calls.system_code)::integer as systems,
        sum(calls.calls)::bigint as calls,
        sum(calls.failed_calls)::bigint as failed_calls,
        max(calls.loaded_at) as loaded_at
    from calls
    inner join systems on calls.system_code = systems.system_code
    group by month, calls.capability, systems.department

),

final as (

    select
        months.month,
        months.month > date_trunc('month', newest.call_day) - interval '12 months' as is_latest_12m,
        -- the running month is told up to its newest day
        (months.month + interval '1 month - 1 day')::date <= newest.call_day as is_whole_month,
        months.capability,
        {{ capability_label("months.capability") }} as capability_name,
        months.department,
        coalesce(departments.department_name, months.owner_name) as department_name,
        null::text as county_code,
        months.systems,
        months.calls,
        months.failed_calls,
        year_before.calls as calls_year_before,
        months.origin,
        {{ origin_label("months.origin") }} as origin_label,
        months.loaded_at as data_as_of
    from months
    inner join newest on months.origin = newest.origin
    left join departments on months.department = departments.department
    left join months as year_before
        on
            months.month = year_before.month + interval '1 year'
            and months.capability = year_before.capability
            and months.department = year_before.department

)

select * from final
