with

source as (

    {{ newest_statement(["urban_management", "parking_lot_hour"], ["lot_code", "hour_start"]) }}

),

renamed as (

    select
        lot_code,
        hour_start,
        berths,
        free_berths,
        entries,
        _object_key as object_key,
        _loaded_at as loaded_at
    from source

)

select * from renamed
