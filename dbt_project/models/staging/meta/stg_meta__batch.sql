with

source as (

    select * from {{ source("meta", "batch") }}

),

renamed as (

    select
        batch_id,
        dataset,
        bytes,
        logical_date,
        source_version,
        landed_at,
        state,
        rows_in,
        rows_loaded,
        rows_quarantined,
        rows_rejected,
        settled_at,
        restated_at
    from source

)

select * from renamed
