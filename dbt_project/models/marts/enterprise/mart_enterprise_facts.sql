{#-
    What policies may ask about an enterprise. A fact is null where nobody knows it, never 0 and never false: an enterprise is known not to
    stand on a list only when a list has been delivered. Yearly facts are those of the newest year that was delivered; an enterprise that did
    not report that year has none, however well its earlier years are known.
-#}
with

enterprises as (

    select * from {{ ref("dim_enterprise") }}
    where is_current

),

years as (

    select * from {{ ref("fct_enterprise_year") }}

),

insurance as (

    select * from {{ ref("stg_human_resources__unemployment_insurance") }}

),

titles as (

    select
        uscc,
        bool_or(title = '高新技术企业') as is_high_tech,
        max(title_year) filter (where title = '高新技术企业') as high_tech_year,
        max(nth_recognition) filter (where title = '高新技术企业') as high_tech_times,
        bool_or(title = '国家绿色工厂') as is_green_factory,
        max(title_year) filter (where title = '国家绿色工厂') as green_factory_year,
        case
            when bool_or(title = '国家专精特新小巨人企业') then 'national'
            when bool_or(title = '省专精特新中小企业') then 'province'
            when bool_or(title = '市专精特新中小企业') then 'city'
            else 'none'
        end as specialised_level,
        max(title_year) filter (where title like '%专精特新%') as specialised_year
    from {{ ref("stg_science_technology__enterprise_title") }}
    group by uscc

),

dishonest as (

    select
        uscc,
        bool_or(removed_on is null or removed_on > list_date) as is_listed
    from {{ ref("stg_market_regulation__dishonest_enterprise") }}
    group by uscc

),

projects as (

    select distinct on (uscc) * from {{ ref("stg_industry_information__upgrade_project") }}
    order by uscc asc, equipment_wan desc nulls last, project_code asc

),

delivered as (

    select
        (select max(fact_year) from years) as fact_year,
        (select max(insurance_year) from insurance) as insurance_year,
        (select max(loaded_at) from {{ ref("stg_science_technology__enterprise_title") }}) as titles_as_of,
        (select max(loaded_at) from {{ ref("stg_market_regulation__dishonest_enterprise") }}) as dishonest_as_of,
        (select max(loaded_at) from {{ ref("stg_industry_information__upgrade_project") }}) as projects_as_of

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
        enterprises.status = '存续' as is_active,
        enterprises.entity_kind,
        enterprises.section_code || enterprises.industry_code as industry_code,
        enterprises.established_on,
        (enterprises.registered_capital_wan * 10000)::numeric(18, 2) as registered_capital_yuan,
        case when now_year.size_band in ('large', 'medium', 'small', 'micro') then now_year.size_band end as size_band,
        (now_year.revenue_wan * 10000)::numeric(18, 2) as revenue_yuan,
        (year_before.revenue_wan * 10000)::numeric(18, 2) as revenue_before_yuan,
        (now_year.tax_paid_wan * 10000)::numeric(18, 2) as tax_paid_yuan,
        (now_year.rd_expense_wan * 10000)::numeric(18, 2) as rd_expense_yuan,
        (year_before.rd_expense_wan * 10000)::numeric(18, 2) as rd_expense_before_yuan,
        now_year.staff_count,
        now_year.insured_count,
        now_year.layoff_rate::numeric(18, 6) as layoff_rate,
        now_year.arrears_months,
        insurance.insured_months,
        insurance.ui_paid_yuan::numeric(18, 2) as ui_paid_yuan,
        insurance.graduates_3_months,
        insurance.graduates_6_months,
        case when delivered.dishonest_as_of is not null then coalesce(dishonest.is_listed, false) end as is_dishonest,
        case when delivered.titles_as_of is not null then coalesce(titles.is_high_tech, false) end as is_high_tech,
        titles.high_tech_year,
        titles.high_tech_times,
        case when delivered.titles_as_of is not null then coalesce(titles.specialised_level, 'none') end as specialised_level,
        titles.specialised_year,
        case when delivered.titles_as_of is not null then coalesce(titles.is_green_factory, false) end as is_green_factory,
        titles.green_factory_year,
        case when delivered.projects_as_of is not null then projects.uscc is not null end as has_upgrade_project,
        (projects.equipment_wan * 10000)::numeric(18, 2) as upgrade_equipment_yuan,
        projects.fits_guide as upgrade_fits_guide,
        projects.is_selected as upgrade_is_selected,
        enterprises.loaded_at as register_as_of,
        now_year.loaded_at as year_as_of,
        insurance.loaded_at as insurance_as_of,
        delivered.titles_as_of,
        delivered.dishonest_as_of,
        delivered.projects_as_of,
        datasets.origin,
        datasets.origin_label,
        greatest(
            enterprises.loaded_at, now_year.loaded_at, insurance.loaded_at,
            delivered.titles_as_of, delivered.dishonest_as_of, delivered.projects_as_of
        ) as data_as_of
    from enterprises
    cross join delivered
    cross join datasets
    left join years as now_year on enterprises.uscc = now_year.uscc and delivered.fact_year = now_year.fact_year
    left join years as year_before on enterprises.uscc = year_before.uscc and delivered.fact_year - 1 = year_before.fact_year
    left join insurance on enterprises.uscc = insurance.uscc and delivered.insurance_year = insurance.insurance_year
    left join titles on enterprises.uscc = titles.uscc
    left join dishonest on enterprises.uscc = dishonest.uscc
    left join projects on enterprises.uscc = projects.uscc

)

select * from final
