with

source as (

    {{ every_statement(["hotline_centre", "hotline_ticket"]) }}

),

renamed as (

    -- what the caller said stays in raw: only its masked summary leaves the reader; the number is a key, not a number
    select
        ticket_no,
        received_at,
        channel,
        encode(sha256(convert_to('hotline/' || caller_phone, 'UTF8')), 'hex') as caller_key,
        county_name as given_county_name,
        handling_department as department_name,
        replied_at,
        solved = '是' as is_solved,
        satisfaction,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
