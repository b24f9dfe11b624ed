with

source as (

    {{
        newest_statement(
            ["ecology_environment", "satellite_hotspot"], ["latitude", "longitude", "acq_date", "acq_time", "satellite"]
        )
    }}

),

renamed as (

    select
        latitude,
        longitude,
        (acq_date + make_time(substr(acq_time, 1, 2)::integer, substr(acq_time, 3, 2)::integer, 0)) at time zone 'UTC' as observed_at,
        satellite,
        bright_ti4 as brightness_k,
        frp as power_mw,
        confidence,
        daynight = 'D' as is_day,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
