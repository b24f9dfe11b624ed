with

source as (

    {{ newest_statement(["health", "hospital_day"], ["hospital_code", "service_day"]) }}

),

renamed as (

    select
        hospital_code,
        service_day,
        outpatients,
        inpatients,
        pay_later_uses,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
