with

source as (

    {{ every_statement(["transport", "bus_trip_day"]) }}

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
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
