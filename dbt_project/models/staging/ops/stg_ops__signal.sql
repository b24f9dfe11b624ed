with

source as (

    -- not *: persons and what they wrote are for the desk alone
    select
        id,
        scenario,
        class_code,
        kind,
        source_kind,
        source_id,
        area_code,
        observed_at,
        received_at,
        origin,
        state,
        case_id
    from {{ source("ops", "signal") }}

),

renamed as (

    select
        id as signal_id,
        scenario,
        class_code,
        kind as signal_kind,
        source_kind,
        source_id,
        nullif(area_code, '') as area_code,
        nullif(substr(area_code, 1, 6), '') as county_code,
        observed_at,
        received_at,
        origin,
        state as signal_state,
        case_id
    from source

)

select * from renamed
