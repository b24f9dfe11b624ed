{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["record_no"],
        on_schema_change="fail",
        indexes=[{"columns": ["record_no"], "unique": true}]
    )
}}

with

records as (

    select * from {{ ref("stg_data_resources__service_record") }}

),

calendar as (

    select * from {{ ref("dim_calendar") }}

),

final as (

    select
        records.record_no,
        records.item_code,
        records.department,
        records.county_code,
        records.channel,
        records.channel <> '窗口' as is_away_from_window,
        records.accepted_at,
        records.promised_due_at,
        records.finished_at,
        -- null while it is open: the day of the end is not known yet
        {{ working_days("records.accepted_at", "began_on", "records.finished_at", "ended_on") }} as working_days_spent,
        records.finished_at > records.promised_due_at as is_late,
        records.satisfaction,
        records.object_key,
        records.loaded_at
    from records
    inner join calendar as began_on on (records.accepted_at at time zone 'Asia/Shanghai')::date = began_on.day
    left join calendar as ended_on on (records.finished_at at time zone 'Asia/Shanghai')::date = ended_on.day
    {%- if is_incremental() %}
    where records.loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 day' from {{ this }})
    {%- endif %}

)

select * from final
