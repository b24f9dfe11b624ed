with

calls as (

    select * from {{ ref("fct_capability_call_day") }}

),

systems as (

    select * from {{ ref("stg_data_resources__reusing_system") }}

),

departments as (

    select * from {{ ref("dim_department") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'capability_call_day'

),

newest as (

    select max(call_day) as call_day from calls

),

months as (

    select
        date_trunc('month', calls.call_day)::date as month,
        calls.capability,
        systems.department,
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
        departments.department_name,
        null::text as county_code,
        months.systems,
        months.calls,
        months.failed_calls,
        year_before.calls as calls_year_before,
        datasets.origin,
        datasets.origin_label,
        months.loaded_at as data_as_of
    from months
    cross join newest
    cross join datasets
    inner join departments on months.department = departments.department
    left join months as year_before
        on
            months.month = year_before.month + interval '1 year'
            and months.capability = year_before.capability
            and months.department = year_before.department

)

select * from final
