with

tax as (

    select * from {{ ref("stg_taxation__enterprise_tax") }}

),

labour as (

    select * from {{ ref("stg_human_resources__enterprise_labour") }}

),

enterprises as (

    select * from {{ ref("dim_enterprise") }}
    where is_current

),

joined as (

    select
        coalesce(tax.uscc, labour.uscc) as uscc,
        coalesce(tax.fact_year, labour.fact_year) as fact_year,
        tax.revenue_wan,
        tax.assets_wan,
        tax.tax_paid_wan,
        tax.rd_expense_wan,
        labour.staff_count,
        labour.insured_count,
        labour.layoff_count,
        labour.arrears_months,
        greatest(tax.loaded_at, labour.loaded_at) as loaded_at
    from tax
    full outer join labour on tax.uscc = labour.uscc and tax.fact_year = labour.fact_year

),

compared as (

    select
        joined.*,
        before.revenue_wan as revenue_wan_before
    from joined
    left join joined as before on joined.uscc = before.uscc and joined.fact_year = before.fact_year + 1

),

final as (

    select
        compared.uscc,
        compared.fact_year,
        enterprises.uscc is not null as is_registered,
        enterprises.county_code,
        enterprises.industry_code,
        compared.revenue_wan,
        compared.assets_wan,
        compared.tax_paid_wan,
        compared.rd_expense_wan,
        compared.staff_count,
        compared.insured_count,
        compared.layoff_count,
        compared.arrears_months,
        compared.layoff_count::numeric / nullif(compared.staff_count + compared.layoff_count, 0) as layoff_rate,
        compared.insured_count::numeric / nullif(compared.staff_count, 0) as insured_rate,
        case
            when compared.revenue_wan_before > 0 then compared.revenue_wan / compared.revenue_wan_before - 1
        end as revenue_change_rate,
        compared.loaded_at
    from compared
    left join enterprises on compared.uscc = enterprises.uscc

)

select * from final
