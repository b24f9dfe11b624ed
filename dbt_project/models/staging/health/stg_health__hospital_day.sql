with

source as (

    {{ every_statement(["health", "hospital_day"]) }}

),

renamed as (

    select
        hospital_code,
        service_day,
        outpatients,
        inpatients,
        pay_later_uses,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
