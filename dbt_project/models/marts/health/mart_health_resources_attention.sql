with

stocks as (

    select * from {{ ref("fct_drug_stock") }}

),

hospitals as (

    select * from {{ ref("stg_health__hospital") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'drug_stock'

),

newest as (

    select max(stock_day) as stock_day from stocks

),

short as (

    select
        stocks.*,
        before.days_of_cover as days_of_cover_week_before,
        count(*) over (partition by stocks.drug_code) as hospitals_short
    from stocks
    inner join newest on stocks.stock_day = newest.stock_day
    left join stocks as before
        on
            stocks.hospital_code = before.hospital_code
            and stocks.drug_code = before.drug_code
            and stocks.stock_day = before.stock_day + 7
    where stocks.days_of_cover < {{ var("drug_short_days") }}

),

final as (

    select
        short.hospital_code,
        hospitals.hospital_name,
        hospitals.hospital_level,
        hospitals.county_code,
        counties.name as county_name,
        short.drug_code,
        short.drug_name,
        short.counting_unit,
        short.stock_day,
        short.stock_units,
        short.weekly_use,
        short.days_of_cover,
        short.days_of_cover_week_before,
        short.hospitals_short::integer as hospitals_short,
        case when short.days_of_cover < {{ var("drug_out_days") }} then '告急' else '偏紧' end as shortage_level,
        datasets.origin,
        datasets.origin_label,
        short.loaded_at as data_as_of
    from short
    cross join datasets
    inner join hospitals on short.hospital_code = hospitals.hospital_code
    inner join counties on hospitals.county_code = counties.area_code

)

select * from final
