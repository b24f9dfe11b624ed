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

indicators as (

    select * from {{ ref("stg_data_resources__policy_indicator") }}

),

stated as (

    select
        uscc,
        jsonb_object_agg(indicator, coalesce(level, number::text)) as entries
    from indicators
    group by uscc

),

-- materialised: each of the hundred columns that ask it would read all indicators again
delivered as materialized (

    select
        (select max(fact_year) from years) as fact_year,
        (select max(insurance_year) from insurance) as insurance_year,
        (select max(loaded_at) from {{ ref("stg_science_technology__enterprise_title") }}) as titles_as_of,
        (select max(loaded_at) from {{ ref("stg_market_regulation__dishonest_enterprise") }}) as dishonest_as_of,
        (select max(loaded_at) from {{ ref("stg_industry_information__upgrade_project") }}) as projects_as_of,
        (select max(loaded_at) from indicators) as indicators_as_of,
        (select jsonb_object_agg(indicator, true) from indicators) as indicators

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
        md5(enterprises.address) as premises_hash,
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
        {{ indicator_level("rd_platform_level") }} as rd_platform_level,
        {{ indicator_flag("is_science_sme") }} as is_science_sme,
        {{ indicator_number("technology_contract", "numeric(18, 2)") }} as technology_contract_yuan,
        {{ indicator_number("technology_bought", "numeric(18, 2)") }} as technology_bought_yuan,
        {{ indicator_number("rd_staff", "integer") }} as rd_staff,
        {{ indicator_flag("has_rd_reserve") }} as has_rd_reserve,
        {{ indicator_number("province_science_award", "numeric(18, 2)") }} as province_science_award_yuan,
        {{ indicator_number("incubated_firms", "integer") }} as incubated_firms,
        {{ indicator_number("science_commissioners", "integer") }} as science_commissioners,
        {{ indicator_flag("uses_super_deduction") }} as uses_super_deduction,
        {{ indicator_number("local_contribution", "numeric(18, 2)") }} as local_contribution_yuan,
        {{ indicator_level("tax_grade") }} as tax_grade,
        {{ indicator_number("invention_patents", "integer") }} as invention_patents,
        {{ indicator_number("overseas_patents", "integer") }} as overseas_patents,
        {{ indicator_number("overseas_trademarks", "integer") }} as overseas_trademarks,
        {{ indicator_number("international_standards", "integer") }} as international_standards,
        {{ indicator_number("national_standards", "integer") }} as national_standards,
        {{ indicator_number("industry_standards", "integer") }} as industry_standards,
        {{ indicator_number("local_standards", "integer") }} as local_standards,
        {{ indicator_level("quality_award_level") }} as quality_award_level,
        {{ indicator_number("ip_pledge_loan", "numeric(18, 2)") }} as ip_pledge_loan_yuan,
        {{ indicator_number("ip_pledge_interest", "numeric(18, 2)") }} as ip_pledge_interest_yuan,
        {{ indicator_number("management_certificates", "integer") }} as management_certificates,
        {{ indicator_flag("uses_geographic_mark") }} as uses_geographic_mark,
        {{ indicator_flag("is_above_quota") }} as is_above_quota,
        {{ indicator_year("above_quota_year") }} as above_quota_year,
        {{ indicator_number("online_sales", "numeric(18, 2)") }} as online_sales_yuan,
        {{ indicator_number("exports", "numeric(18, 2)") }} as exports_yuan,
        {{ indicator_number("exports_before", "numeric(18, 2)") }} as exports_before_yuan,
        {{ indicator_number("exhibition_booths", "integer") }} as exhibition_booths,
        {{ indicator_number("export_insurance_fee", "numeric(18, 2)") }} as export_insurance_fee_yuan,
        {{ indicator_number("foreign_capital", "numeric(18, 2)") }} as foreign_capital_yuan,
        {{ indicator_level("time_honoured_level") }} as time_honoured_level,
        {{ indicator_number("retail_sales", "numeric(18, 2)") }} as retail_sales_yuan,
        {{ indicator_number("retail_sales_before", "numeric(18, 2)") }} as retail_sales_before_yuan,
        {{ indicator_level("agri_leader_level") }} as agri_leader_level,
        {{ indicator_number("herb_area", "numeric(18, 2)") }} as herb_area,
        {{ indicator_number("herb_area_added", "numeric(18, 2)") }} as herb_area_added,
        {{ indicator_number("cold_storage", "numeric(18, 2)") }} as cold_storage,
        {{ indicator_number("green_food_certificates", "integer") }} as green_food_certificates,
        {{ indicator_number("machinery_cost", "numeric(18, 2)") }} as machinery_cost_yuan,
        {{ indicator_number("helped_households", "integer") }} as helped_households,
        {{ indicator_number("agri_loan_interest", "numeric(18, 2)") }} as agri_loan_interest_yuan,
        {{ indicator_number("grain_area", "numeric(18, 2)") }} as grain_area,
        {{ indicator_number("livestock_sold", "integer") }} as livestock_sold,
        {{ indicator_flag("is_above_scale") }} as is_above_scale,
        {{ indicator_year("above_scale_year") }} as above_scale_year,
        {{ indicator_number("output", "numeric(18, 2)") }} as output_yuan,
        {{ indicator_number("output_before", "numeric(18, 2)") }} as output_before_yuan,
        {{ indicator_level("smart_factory_level") }} as smart_factory_level,
        {{ indicator_level("first_set_level") }} as first_set_level,
        {{ indicator_number("cloud_cost", "numeric(18, 2)") }} as cloud_cost_yuan,
        {{ indicator_level("digital_level") }} as digital_level,
        {{ indicator_number("province_industry_award", "numeric(18, 2)") }} as province_industry_award_yuan,
        {{ indicator_level("listing_stage") }} as listing_stage,
        {{ indicator_year("listing_year") }} as listing_year,
        {{ indicator_number("raised_funds", "numeric(18, 2)") }} as raised_funds_yuan,
        {{ indicator_number("fixed_investment", "numeric(18, 2)") }} as fixed_investment_yuan,
        {{ indicator_flag("is_major_project") }} as is_major_project,
        {{ indicator_number("upgrade_loan_interest", "numeric(18, 2)") }} as upgrade_loan_interest_yuan,
        {{ indicator_number("guarantee_fee", "numeric(18, 2)") }} as guarantee_fee_yuan,
        {{ indicator_number("energy_saved", "numeric(18, 2)") }} as energy_saved,
        {{ indicator_number("solar_capacity", "numeric(18, 2)") }} as solar_capacity,
        {{ indicator_level("emission_grade") }} as emission_grade,
        {{ indicator_flag("cleaner_production") }} as cleaner_production,
        {{ indicator_number("pollution_investment", "numeric(18, 2)") }} as pollution_investment_yuan,
        {{ indicator_number("environment_penalties", "integer") }} as environment_penalties,
        {{ indicator_number("trained", "integer") }} as trained,
        {{ indicator_number("certified", "integer") }} as certified,
        {{ indicator_number("disabled_staff", "integer") }} as disabled_staff,
        {{ indicator_number("hardship_hires", "integer") }} as hardship_hires,
        {{ indicator_number("veterans", "integer") }} as veterans,
        {{ indicator_number("interns", "integer") }} as interns,
        {{ indicator_number("graduate_insurance", "numeric(18, 2)") }} as graduate_insurance_yuan,
        {{ indicator_number("startup_loan_interest", "numeric(18, 2)") }} as startup_loan_interest_yuan,
        {{ indicator_flag("has_skill_studio") }} as has_skill_studio,
        {{ indicator_number("new_hires", "integer") }} as new_hires,
        {{ indicator_level("logistics_grade") }} as logistics_grade,
        {{ indicator_number("new_energy_trucks", "integer") }} as new_energy_trucks,
        {{ indicator_number("cold_chain_trucks", "integer") }} as cold_chain_trucks,
        {{ indicator_number("prefab_area", "numeric(18, 2)") }} as prefab_area,
        {{ indicator_number("green_building_area", "numeric(18, 2)") }} as green_building_area,
        {{ indicator_level("builder_grade") }} as builder_grade,
        {{ indicator_number("nursery_places", "integer") }} as nursery_places,
        {{ indicator_flag("is_school_partner") }} as is_school_partner,
        {{ indicator_level("safety_standard_level") }} as safety_standard_level,
        {{ indicator_number("data_products", "integer") }} as data_products,
        {{ indicator_level("data_maturity_level") }} as data_maturity_level,
        {{ indicator_flag("is_water_saver") }} as is_water_saver,
        {{ indicator_number("water_saved", "numeric(18, 2)") }} as water_saved,
        {{ indicator_number("care_beds", "integer") }} as care_beds,
        {{ indicator_number("land_area", "numeric(18, 2)") }} as land_area,
        {{ indicator_number("recycled_tonnes", "numeric(18, 2)") }} as recycled_tonnes,
        enterprises.loaded_at as register_as_of,
        now_year.loaded_at as year_as_of,
        insurance.loaded_at as insurance_as_of,
        delivered.titles_as_of,
        delivered.dishonest_as_of,
        delivered.projects_as_of,
        delivered.indicators_as_of,
        datasets.origin,
        datasets.origin_label,
        greatest(
            enterprises.loaded_at, now_year.loaded_at, insurance.loaded_at,
            delivered.titles_as_of, delivered.dishonest_as_of, delivered.projects_as_of, delivered.indicators_as_of
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
    left join stated on enterprises.uscc = stated.uscc

)

select * from final
