with

source as (

    select * from {{ source("policy", "match_run") }}

),

renamed as (

    select
        run_id,
        as_of as run_day,
        finished_at,
        facts_as_of,
        items,
        enterprises
    from source

)

select * from renamed
