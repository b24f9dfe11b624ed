with

months as (

    select * from {{ ref("fct_social_insurance_month") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'social_insurance_month'

),

compared as (

    select
        months.*,
        year_before.insured_rate as insured_rate_year_before,
        year_before.arrears_yuan as arrears_yuan_year_before
    from months
    left join months as year_before
        on
            months.county_code = year_before.county_code
            and months.insurance_kind = year_before.insurance_kind
            and months.insurance_month = year_before.insurance_month + interval '1 year'

),

judged as (

    select
        *,
        nullif(concat_ws(
            '；',
            case
                when insured_rate < insured_rate_year_before - {{ var("insured_rate_drop") }}
                    then '参保率较上年同月降 ' || round(100 * (insured_rate_year_before - insured_rate), 1) || ' 个百分点'
            end,
            case
                when arrears_yuan > arrears_yuan_year_before * (1 + {{ var("arrears_rise") }})
                    then '欠缴较上年同月增 ' || round(100 * arrears_yuan / arrears_yuan_year_before - 100) || '%'
            end
        ), '') as attention_reason
    from compared

),

final as (

    select
        judged.insurance_month,
        judged.is_latest_month,
        judged.county_code,
        counties.name as county_name,
        judged.insurance_kind,
        judged.insured,
        judged.base_population,
        judged.insured_rate,
        judged.insured_rate_year_before,
        judged.arrears_persons,
        judged.arrears_yuan,
        judged.arrears_yuan_year_before,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets
    inner join counties on judged.county_code = counties.area_code

)

select * from final
