{{ config(indexes=[{"columns": ["uscc", "fact_year"], "unique": true}]) }}

with

years as (

    select * from {{ ref("int_enterprise__year") }}

),

bands as (

    select * from {{ ref("int_enterprise__size_band") }}

),

final as (

    select
        years.uscc,
        years.fact_year,
        years.is_registered,
        years.county_code,
        years.industry_code,
        years.revenue_wan,
        years.assets_wan,
        years.tax_paid_wan,
        years.rd_expense_wan,
        years.staff_count,
        years.insured_count,
        years.layoff_count,
        years.arrears_months,
        bands.size_group,
        bands.size_band,
        bands.size_band_label,
        bands.size_basis,
        years.layoff_rate,
        years.insured_rate,
        years.revenue_change_rate,
        coalesce(years.arrears_months >= {{ var("risk_arrears_months") }}, false) as is_in_arrears,
        coalesce(years.layoff_rate >= {{ var("risk_layoff_rate") }}, false) as is_laying_off,
        coalesce(years.revenue_change_rate <= -{{ var("risk_revenue_drop") }}, false) as is_losing_revenue,
        coalesce(years.insured_rate < {{ var("risk_insured_rate") }}, false) as is_under_insured,
        years.loaded_at
    from years
    inner join bands on years.uscc = bands.uscc and years.fact_year = bands.fact_year

)

select * from final
