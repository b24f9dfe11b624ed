with

source as (

    select * from {{ source("policy", "criterion") }}

),

renamed as (

    select
        item_version_id,
        bit,
        criterion_id,
        label as criterion_label,
        sentence,
        fact,
        fact_label,
        source_department as source_department_name,
        gate as is_gate
    from source

)

select * from renamed
