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

    select max(service_day) as service_day from days

),

served as (

    select
        days.hospital_code,
        (sum(days.outpatients) filter (where days.service_day > newest.service_day - 30))::integer as outpatients_30d,
        (sum(days.outpatients) filter (
            where days.service_day <= newest.service_day - 30 and days.service_day > newest.service_day - 60
        ))::integer as outpatients_30d_before,
        (sum(days.outpatients) filter (
            where days.service_day <= newest.service_day - 364 and days.service_day > newest.service_day - 394
        ))::integer as outpatients_30d_year_before,
        avg(days.inpatients) filter (where days.service_day > newest.service_day - 30) as inpatients_mean_30d,
        (sum(days.pay_later_uses) filter (where days.service_day > newest.service_day - 30))::integer as pay_later_uses_30d,
        (count(*) filter (where days.service_day > newest.service_day - 30))::integer as days_reported_30d,
        max(days.loaded_at) as loaded_at
    from days
    cross join newest
    group by days.hospital_code

),

newest_count as (

    select max(stock_day) as stock_day from stocks

),

short as (

    select
        stocks.hospital_code,
        (count(*) filter (where stocks.days_of_cover < {{ var("drug_short_days") }}))::integer as drugs_short,
        count(*)::integer as drugs_kept
    from stocks
    inner join newest_count on stocks.stock_day = newest_count.stock_day
    group by stocks.hospital_code

),

judged as (

    select
        hospitals.*,
        served.outpatients_30d,
        served.outpatients_30d_before,
        served.outpatients_30d_year_before,
        served.inpatients_mean_30d / nullif(hospitals.beds, 0) as bed_use_rate,
        served.pay_later_uses_30d,
        coalesce(served.days_reported_30d, 0) as days_reported_30d,
        coalesce(short.drugs_short, 0) as drugs_short,
        coalesce(short.drugs_kept, 0) as drugs_kept,
        greatest(hospitals.loaded_at, served.loaded_at) as data_as_of,
        nullif(concat_ws(
            '；',
            case when coalesce(served.days_reported_30d, 0) = 0 then '近30天未报服务量' end,
            case
                when served.inpatients_mean_30d > hospitals.beds * {{ var("hospital_full_rate") }}
                    then '床位使用率 ' || round(100 * served.inpatients_mean_30d / hospitals.beds) || '%'
            end,
            case
                when served.outpatients_30d > served.outpatients_30d_before * (1 + {{ var("outpatient_surge") }})
                    then '门急诊较前30天增 ' || round(100.0 * served.outpatients_30d / served.outpatients_30d_before - 100) || '%'
            end,
            case when short.drugs_short > 0 then '短缺药品 ' || short.drugs_short || ' 种' end
        ), '') as attention_reason
    from hospitals
    left join served on hospitals.hospital_code = served.hospital_code
    left join short on hospitals.hospital_code = short.hospital_code

),

final as (

    select
        judged.hospital_code,
        judged.hospital_name,
        judged.county_code,
        counties.name as county_name,
        judged.hospital_level,
        judged.ownership,
        judged.beds,
        judged.doctors,
        judged.nurses,
        judged.outpatients_30d,
        judged.outpatients_30d_before,
        judged.outpatients_30d_year_before,
        judged.bed_use_rate,
        judged.pay_later_uses_30d,
        judged.pay_later_uses_30d::numeric / nullif(judged.outpatients_30d, 0) as pay_later_rate_30d,
        judged.days_reported_30d,
        judged.drugs_short,
        judged.drugs_kept,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.data_as_of
    from judged
    cross join datasets
    inner join counties on judged.county_code = counties.area_code

)

select * from final
