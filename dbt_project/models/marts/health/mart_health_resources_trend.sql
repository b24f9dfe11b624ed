with

days as (

    select * from {{ ref("fct_hospital_day") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'hospital_day'

),

counted as (

    select
        county_code,
        service_day,
        count(*)::integer as hospitals_reporting,
        sum(outpatients)::integer as outpatients,
        sum(inpatients)::integer as inpatients,
        sum(pay_later_uses)::integer as pay_later_uses,
        max(loaded_at) as loaded_at
    from days
    where county_code is not null
    group by county_code, service_day

),

final as (

    select
        counted.service_day,
        counted.county_code,
        counties.name as county_name,
        counted.hospitals_reporting,
        counted.outpatients,
        avg(counted.outpatients) over week as outpatients_mean_7d,
        -- 52 weeks back: the same day of the week
        year_before.outpatients as outpatients_year_before,
        counted.inpatients,
        counted.pay_later_uses,
        counted.pay_later_uses::numeric / nullif(counted.outpatients, 0) as pay_later_rate,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counted
    cross join datasets
    inner join counties on counted.county_code = counties.area_code
    left join counted as year_before
        on counted.county_code = year_before.county_code and counted.service_day = year_before.service_day + 364
    window week as (
        partition by counted.county_code order by counted.service_day
        range between interval '6 days' preceding and current row
    )

)

select * from final
