with

months as (

    select * from {{ ref("stg_human_resources__employment") }}

),

final as (

    select
        employment_month,
        county_code,
        new_jobs,
        registered_unemployed,
        labour_force,
        registered_unemployed::numeric / nullif(labour_force, 0) as unemployment_rate,
        graduates,
        graduates_employed,
        graduates_employed::numeric / nullif(graduates, 0) as graduate_employment_rate,
        employment_month = max(employment_month) over (partition by county_code) as is_latest_month,
        loaded_at
    from months

)

select * from final
