with

source as (

    select * from {{ source("policy", "item") }}

),

renamed as (

    select
        item_id,
        document_id,
        title as item_title,
        department,
        department_zh as department_name,
        channel,
        case channel when 'auto' then '免申即享' when 'confirm' then '确认即享' else '申报享受' end as channel_label,
        origin
    from source

)

select * from renamed
