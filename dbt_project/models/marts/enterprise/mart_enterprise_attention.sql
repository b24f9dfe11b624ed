with

enterprises as (

    select * from {{ ref("int_enterprise__standing") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

final as (

    select
        enterprises.uscc,
        enterprises.enterprise_name,
        enterprises.county_code,
        enterprises.county_name,
        enterprises.township_name,
        enterprises.section_name,
        enterprises.division_name,
        enterprises.size_band_label,
        enterprises.fact_year,
        enterprises.risk_count,
        case
            when enterprises.risk_count >= 3 then '高'
            when enterprises.risk_count = 2 then '中'
            else '低'
        end as risk_level,
        enterprises.risk_reasons,
        enterprises.arrears_months,
        enterprises.layoff_rate,
        enterprises.revenue_change_rate,
        enterprises.insured_rate,
        datasets.origin,
        datasets.origin_label,
        enterprises.loaded_at as data_as_of
    from enterprises
    cross join datasets
    where enterprises.risk_count > 0 and enterprises.stood_until = 'infinity'

)

select * from final
