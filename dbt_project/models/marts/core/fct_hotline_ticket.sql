{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key="ticket_no",
        on_schema_change="fail",
        meta={"outlives_raw": true},
        indexes=[
            {"columns": ["ticket_no"], "unique": true},
            {"columns": ["received_at"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]},
            {"columns": ["read_at"]}
        ]
    )
}}

with

readings as (

    select * from {{ ref("stg_meta__ticket_reading") }}

),

{%- if is_incremental() %}

newly_read as (

    select ticket_no from readings
    where read_at > (select coalesce(max(known.read_at), '-infinity') - interval '1 day' from {{ this }} as known)

),

{%- endif %}

tickets as (

    {{
        newest_statements(
            "stg_hotline_centre__ticket", "hotline_ticket", ["ticket_no"],
            also="ticket_no in (select newly_read.ticket_no from newly_read)"
        )
    }}

),

villages as (

    select * from {{ ref("stg_civil_affairs__village") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

final as (

    select
        tickets.ticket_no,
        tickets.received_at,
        (tickets.received_at at time zone 'Asia/Shanghai')::date as received_on,
        tickets.channel,
        villages.area_code,
        readings.place_name,
        -- the text tells better than the form, which tells better than nothing
        coalesce(villages.county_code, counties.area_code) as county_code,
        readings.place_how,
        readings.demand_class,
        coalesce(readings.demand_class_name, '未识别') as demand_class_name,
        readings.matter,
        coalesce(readings.matter_name, '未识别') as matter_name,
        tickets.department_name,
        coalesce(readings.group_ticket_no, tickets.ticket_no) as group_ticket_no,
        coalesce(readings.group_ticket_no <> tickets.ticket_no, false) as is_duplicate,
        readings.summary,
        tickets.replied_at,
        tickets.replied_at is not null as is_replied,
        (extract(epoch from tickets.replied_at - tickets.received_at) / 3600)::numeric(18, 4) as hours_to_reply,
        tickets.is_solved,
        tickets.satisfaction,
        readings.reader_version,
        tickets.batch_id,
        tickets.line,
        tickets.object_key,
        tickets.loaded_at,
        readings.read_at
    from tickets
    left join readings on tickets.ticket_no = readings.ticket_no
    left join villages on readings.area_code = villages.area_code
    left join counties on tickets.given_county_name = counties.name

)

select * from final
