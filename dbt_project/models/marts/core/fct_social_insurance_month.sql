with

months as (

    select * from {{ ref("stg_human_resources__social_insurance") }}

),

final as (

    select
        insurance_month,
        county_code,
        insurance_kind,
        insured,
        base_population,
        insured::numeric / nullif(base_population, 0) as insured_rate,
        arrears_persons,
        arrears_yuan::numeric(18, 4) as arrears_yuan,
        insurance_month = max(insurance_month) over (partition by county_code, insurance_kind) as is_latest_month,
        loaded_at
    from months

)

select * from final
