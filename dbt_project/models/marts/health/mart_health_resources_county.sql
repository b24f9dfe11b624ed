with

hospitals as (

    select * from {{ ref("stg_health__hospital") }}

),

days as (

    select * from {{ ref("fct_hospital_day") }}

),

stocks as (

    select * from {{ ref("fct_drug_stock") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'hospital'

),

newest as (

    select
        max(service_day) as service_day,
        max(loaded_at) as loaded_at
    from days

),

newest_count as (

    select max(stock_day) as stock_day from stocks

),

equipped as (

    select
        county_code,
        count(*)::integer as hospitals,
        sum(beds)::integer as beds,
        sum(doctors)::integer as doctors,
        sum(nurses)::integer as nurses,
        max(loaded_at) as loaded_at
    from hospitals
    group by county_code

),

served as (

    select
        days.county_code,
        (sum(days.outpatients) filter (where days.service_day > newest.service_day - 30))::integer as outpatients_30d,
        (sum(days.outpatients) filter (
            where days.service_day <= newest.service_day - 364 and days.service_day > newest.service_day - 394
        ))::integer as outpatients_30d_year_before,
        (sum(days.pay_later_uses) filter (where days.service_day > newest.service_day - 30))::integer as pay_later_uses_30d,
        (sum(days.pay_later_uses) filter (
            where days.service_day <= newest.service_day - 364 and days.service_day > newest.service_day - 394
        ))::integer as pay_later_uses_30d_year_before
    from days
    cross join newest
    group by days.county_code

),

short as (

    select
        stocks.county_code,
        count(*)::integer as stocks_counted,
        (count(*) filter (where stocks.days_of_cover < {{ var("drug_short_days") }}))::integer as stocks_short,
        (count(distinct stocks.drug_code) filter (where stocks.days_of_cover < {{ var("drug_short_days") }}))::integer as drugs_short
    from stocks
    inner join newest_count on stocks.stock_day = newest_count.stock_day
    group by stocks.county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        counties.residents,
        coalesce(equipped.hospitals, 0) as hospitals,
        coalesce(equipped.beds, 0) as beds,
        coalesce(equipped.doctors, 0) as doctors,
        coalesce(equipped.nurses, 0) as nurses,
        equipped.beds * 1000.0 / nullif(counties.residents, 0) as beds_per_1000,
        equipped.doctors * 1000.0 / nullif(counties.residents, 0) as doctors_per_1000,
        equipped.nurses * 1000.0 / nullif(counties.residents, 0) as nurses_per_1000,
        served.outpatients_30d,
        served.outpatients_30d_year_before,
        served.pay_later_uses_30d,
        served.pay_later_uses_30d::numeric / nullif(served.outpatients_30d, 0) as pay_later_rate_30d,
        served.pay_later_uses_30d_year_before::numeric
        / nullif(served.outpatients_30d_year_before, 0) as pay_later_rate_30d_year_before,
        coalesce(short.stocks_short, 0) as stocks_short,
        coalesce(short.drugs_short, 0) as drugs_short,
        short.stocks_short::numeric / nullif(short.stocks_counted, 0) as stocks_short_rate,
        case
            when equipped.beds is not null
                then (rank() over (order by equipped.beds::numeric / nullif(counties.residents, 0) desc nulls last))::integer
        end as rank_in_city,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        greatest(equipped.loaded_at, newest.loaded_at) as data_as_of
    from counties
    cross join newest
    cross join datasets
    left join equipped on counties.area_code = equipped.county_code
    left join served on counties.area_code = served.county_code
    left join short on counties.area_code = short.county_code

)

select * from final
