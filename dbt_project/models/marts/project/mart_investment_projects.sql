with

projects as (

    select * from {{ ref("fct_investment_project") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'investment_project'

),

final as (

    select
        projects.project_code,
        projects.project_name,
        projects.county_code,
        projects.county_name,
        projects.industry_code,
        projects.division_name,
        projects.source_place,
        projects.agreed_wan,
        projects.invested_wan,
        (projects.invested_wan / nullif(projects.agreed_wan, 0))::numeric(18, 4) as arrival_rate,
        projects.signed_on,
        date_trunc('month', projects.signed_on::timestamp)::date as signed_month,
        extract(year from projects.signed_on)::integer as signed_year,
        projects.landed_on,
        projects.started_on,
        projects.producing_on,
        projects.last_progress_on,
        projects.stage,
        projects.stage_label,
        case projects.stage when 'signed' then 1 when 'landed' then 2 when 'started' then 3 when 'producing' then 4 else 5 end
            as stage_order,
        projects.is_landed,
        projects.is_started,
        projects.is_producing,
        projects.days_waiting,
        projects.is_stalled,
        projects.stall_reason,
        projects.register_date,
        datasets.origin,
        datasets.origin_label,
        projects.loaded_at as data_as_of
    from projects
    cross join datasets

)

select * from final
