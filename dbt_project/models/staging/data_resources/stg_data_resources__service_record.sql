with

source as (

    {{ every_statement(["data_resources", "gov_service_record"]) }}

),

renamed as (

    select
        record_no,
        item_code,
        department,
        county_code,
        channel,
        accepted_at at time zone 'Asia/Shanghai' as accepted_at,
        promised_due_at at time zone 'Asia/Shanghai' as promised_due_at,
        finished_at at time zone 'Asia/Shanghai' as finished_at,
        satisfaction,
        encode(sha256(convert_to(applicant_phone, 'UTF8')), 'hex') as applicant_hash,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
