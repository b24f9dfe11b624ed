{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["record_no"],
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[{"columns": ["record_no"], "unique": true}, {"columns": ["batch_id"]}, {"columns": ["loaded_at"]}]
    )
}}

with

records as (

    {{ newest_statements("stg_data_resources__service_record", "gov_service_record", ["record_no"]) }}

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
        records.batch_id,
        records.line,
        records.object_key,
        records.loaded_at
    from records
    inner join calendar as began_on on (records.accepted_at at time zone 'Asia/Shanghai')::date = began_on.day
    left join calendar as ended_on on (records.finished_at at time zone 'Asia/Shanghai')::date = ended_on.day

)

select * from final
