with

source as (

    {{ every_statement(["urban_management", "parking_lot_hour"]) }}

),

renamed as (

    select
        lot_code,
        hour_start,
        berths,
        free_berths,
        entries,
        _batch_id as batch_id,
        _line as line,
        _source_version as source_version,
        _statement as statement,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
