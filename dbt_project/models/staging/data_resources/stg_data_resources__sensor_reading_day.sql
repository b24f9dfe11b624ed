with

-- every statement, as with the raw readings: fct_sensor_day settles which counts
source as (

    select * from {{ source("data_resources", "sensor_reading_day") }}

),

renamed as (

    select
        device_id,
        metric,
        day,
        value_min,
        value_mean,
        value_max,
        reading_count,
        _batch_id as batch_id,
        _line as line
    from source

)

select * from renamed
