with

versions as (

    select * from {{ ref("stg_policy__item_version") }}

),

items as (

    select * from {{ ref("stg_policy__item") }}

),

documents as (

    select * from {{ ref("stg_policy__document") }}

),

departments as (

    select * from {{ ref("stg_meta__department") }}

),

final as (

    select
        versions.item_version_id,
        items.item_id,
        items.item_title,
        documents.document_id,
        documents.document_title,
        documents.document_number,
        documents.issuer,
        items.department,
        items.department_name,
        items.channel,
        items.channel_label,
        versions.valid_from,
        versions.valid_to,
        versions.withdrawn_at is null
        and current_date between versions.valid_from and coalesce(versions.valid_to, 'infinity'::date) as is_in_force,
        versions.is_payable,
        nullif(versions.unconfirmed, '') as unconfirmed,
        versions.clause,
        versions.amount_words,
        versions.amount_fact_label,
        departments.department_name as amount_fact_department_name,
        versions.source_url,
        versions.exclusion_group,
        versions.fund_id,
        versions.fund_amount_yuan,
        items.origin,
        {{ origin_label("items.origin") }} as origin_label,
        versions.published_at
    from versions
    inner join items on versions.item_id = items.item_id
    inner join documents on items.document_id = documents.document_id
    left join departments on versions.amount_fact_department = departments.department

)

select * from final
