{{ config(indexes=[{"columns": ["uscc"]}]) }}

with

licences as (

    select * from {{ ref("stg_market_regulation__enterprise_licence") }}

),

enterprises as (

    select * from {{ ref("dim_enterprise") }}
    where is_current

),

final as (

    select
        licences.licence_no,
        licences.uscc,
        enterprises.uscc is not null as is_registered,
        enterprises.county_code,
        licences.licence_kind,
        licences.issued_on,
        licences.valid_until,
        licences.licence_status,
        -- a licence that nobody has marked as run out is not in force for that
        licences.licence_status = '有效' and licences.valid_until >= {{ build_day() }} as is_in_force,
        case
            when licences.licence_status = '有效' and licences.valid_until >= {{ build_day() }}
                then licences.valid_until - {{ build_day() }}
        end as days_left,
        licences.changed_at,
        licences.loaded_at
    from licences
    left join enterprises on licences.uscc = enterprises.uscc

)

select * from final
