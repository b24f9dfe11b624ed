with

-- every statement, not the newest one alone: a sort over all of history would be paid at each build, so fct_sensor_reading settles it for
-- the readings that new batches speak of
source as (

    select * from {{ source("data_resources", "sensor_reading") }}

),

renamed as (

    select
        device_id,
        metric,
        observed_at,
        value,
        quality,
        seq,
        _batch_id as batch_id,
        _line as line
    from source

)

select * from renamed
