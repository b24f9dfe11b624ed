with

source as (

    select * from {{ source("meta", "rule_score") }}

),

renamed as (

    select
        scenario,
        scored_at,
        truths as planted,
        found,
        told,
        right_told,
        recall as recall_share,
        precision_share
    from source

)

select * from renamed
