with

source as (

    select * from {{ source("ops", "grant_list") }}

),

renamed as (

    select
        id as grant_list_id,
        item_id,
        item_version_id,
        period_year,
        number as list_number,
        run_id,
        state as list_state,
        case state
            when 'draft' then '待初审' when 'first_review' then '待复核' when 'second_review' then '待公示'
            when 'notice_open' then '公示中' when 'notice_closed' then '公示结束' when 'payable' then '待拨付'
            when 'paid_file_made' then '已出拨付文件' when 'returned' then '已退回' when 'withdrawn' then '已作废'
        end as list_state_label,
        origin,
        created_at
    from source

)

select * from renamed
