with

outputs as (

    select * from {{ ref("stg_industry_information__tcm_output") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'tcm_output_month'

),

final as (

    select
        outputs.county_code,
        counties.name as county_name,
        outputs.class_code,
        case outputs.class_code when '2730' then '中药饮片加工' else '中成药生产' end as class_name,
        outputs.month,
        extract(year from outputs.month)::integer as year,
        outputs.month = max(outputs.month) over () as is_latest_month,
        outputs.output_wan::numeric(18, 2) as output_wan,
        before.output_wan::numeric(18, 2) as output_wan_year_before,
        (outputs.output_wan / nullif(before.output_wan, 0) - 1)::numeric(18, 4) as output_growth_rate,
        outputs.output_tonnes::numeric(18, 2) as output_tonnes,
        outputs.reporting_enterprises,
        datasets.origin,
        datasets.origin_label,
        outputs.loaded_at as data_as_of
    from outputs
    cross join datasets
    inner join counties on outputs.county_code = counties.area_code
    left join outputs as before
        on
            outputs.county_code = before.county_code
            and outputs.class_code = before.class_code
            and outputs.month = (before.month + interval '1 year')::date

)

select * from final
