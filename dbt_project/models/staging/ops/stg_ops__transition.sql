with

source as (

    -- not *: persons and what they wrote are for the desk alone
    select
        id,
        case_id,
        version,
        from_state,
        to_state,
        action,
        organisation_id,
        rules_version,
        at
    from {{ source("ops", "transition") }}

),

renamed as (

    select
        id as transition_id,
        case_id,
        version as step,
        nullif(from_state, '')::text as from_state,
        to_state::text as to_state,
        {{ case_state_label("to_state") }} as to_state_label,
        action::text as action,
        organisation_id,
        rules_version,
        at as stepped_at
    from source

)

select * from renamed
