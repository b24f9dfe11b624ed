with

source as (

    select * from {{ source("ops", "grant_line") }}

),

renamed as (

    select
        id as grant_line_id,
        list_id as grant_list_id,
        payment_file_id,
        item_id,
        period_year,
        uscc,
        enterprise_name,
        nullif(county_code, '') as county_code,
        amount as amount_yuan,
        state as line_state,
        case state
            when 'proposed' then '拟发放' when 'excluded' then '已剔除' when 'objected' then '有异议，暂停'
            when 'held' then '拨付前复查不一致，暂停' when 'paid' then '已列入拨付文件' when 'released' then '已作废'
        end as line_state_label,
        nullif(reason, '') as reason
    from source

)

select * from renamed
