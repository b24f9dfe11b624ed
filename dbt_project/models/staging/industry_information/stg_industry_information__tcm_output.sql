with

source as (

    {{ newest_statement(["industry_information", "tcm_output_month"], ["county_code", "industry_code", "month"]) }}

),

renamed as (

    select
        county_code,
        regexp_replace(industry_code, '^[A-Ta-t]', '') as class_code,
        date_trunc('month', month::timestamp)::date as month,
        output_wan,
        output_tonnes,
        reporting_enterprises,
        _loaded_at as loaded_at
    from source

)

select * from renamed
