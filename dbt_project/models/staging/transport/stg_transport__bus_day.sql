with

source as (

    {{ newest_statement(["transport", "bus_trip_day"], ["line_code", "service_day"]) }}

),

renamed as (

    select
        line_code,
        line_name,
        county_code,
        service_day,
        trips_planned,
        trips_run,
        trips_on_time,
        passengers,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
