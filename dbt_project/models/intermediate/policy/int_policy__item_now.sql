with

versions as (

    select * from {{ ref("dim_policy_item") }}

),

final as (

    select distinct on (item_id)
        item_id,
        item_title,
        document_title,
        department_name,
        channel_label,
        origin
    from versions
    order by item_id asc, is_in_force desc, item_version_id desc

)

select * from final
