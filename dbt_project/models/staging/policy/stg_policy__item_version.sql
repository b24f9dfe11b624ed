with

source as (

    select * from {{ source("policy", "item_version") }}

),

renamed as (

    select
        item_version_id,
        item_id,
        valid_from,
        valid_to,
        clause,
        source_url,
        amount_words,
        definition #>> array['facts', definition #>> '{version,amount,of}', 'label'] as amount_fact_label,
        definition #>> array['facts', definition #>> '{version,amount,of}', 'source'] as amount_fact_department,
        payable as is_payable,
        array_to_string(unconfirmed, '；') as unconfirmed,
        exclusion_group,
        fund_id,
        fund_amount as fund_amount_yuan,
        published_at,
        withdrawn_at
    from source

)

select * from renamed
