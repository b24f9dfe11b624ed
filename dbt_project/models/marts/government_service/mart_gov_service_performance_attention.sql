with

records as (

    select * from {{ ref("fct_gov_service_record") }}

),

items as (

    select * from {{ ref("stg_data_resources__service_item") }}

),

calendar as (

    select * from {{ ref("dim_calendar") }}

),

departments as (

    select * from {{ ref("dim_department") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'gov_service_record'

),

newest as (

    -- the moment that the records speak of: what is late is late by then, not by the hour of the build
    select max(greatest(accepted_at, finished_at)) as state_as_of from records

),

waiting as (

    select
        records.*,
        newest.state_as_of,
        {{ working_days("records.accepted_at", "began_on", "newest.state_as_of", "today") }} as working_days_waited,
        {{ working_days("records.promised_due_at", "due_on", "newest.state_as_of", "today") }} as working_days_over,
        {{ working_days("records.accepted_at", "began_on", "records.promised_due_at", "due_on") }} as working_days_promised
    from records
    cross join newest
    inner join calendar as today on (newest.state_as_of at time zone 'Asia/Shanghai')::date = today.day
    inner join calendar as began_on on (records.accepted_at at time zone 'Asia/Shanghai')::date = began_on.day
    inner join calendar as due_on on (records.promised_due_at at time zone 'Asia/Shanghai')::date = due_on.day
    where records.finished_at is null

),

final as (

    select
        waiting.record_no,
        waiting.item_code,
        items.item_name,
        waiting.department,
        departments.department_name,
        waiting.county_code,
        counties.name as county_name,
        waiting.channel,
        waiting.accepted_at,
        waiting.promised_due_at,
        waiting.state_as_of,
        waiting.working_days_waited,
        waiting.working_days_over,
        waiting.promised_due_at < waiting.state_as_of as is_overdue,
        case when waiting.promised_due_at < waiting.state_as_of then '已超期' else '临期' end as attention_reason,
        datasets.origin,
        datasets.origin_label,
        waiting.loaded_at as data_as_of
    from waiting
    cross join datasets
    inner join departments on waiting.department = departments.department
    inner join counties on waiting.county_code = counties.area_code
    left join items on waiting.item_code = items.item_code
    where -waiting.working_days_over < waiting.working_days_promised * {{ var("service_warning_share") }}

)

select * from final
