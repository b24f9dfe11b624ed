with

figures as (

    select
        *,
        max(month) over () as newest_month
    from {{ ref("fct_water_quality_month") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'water_section_month'

),

summed as (

    select
        county_code,
        river,
        month,
        month = newest_month as is_latest_month,
        pollutant,
        pollutant_name,
        count(*)::integer as sections_measured,
        (count(*) filter (where is_exceeding))::integer as sections_exceeding,
        avg(value)::numeric(18, 4) as value_mean,
        max(excess_times) as worst_excess_times,
        max(loaded_at) as loaded_at
    from figures
    group by county_code, river, month, newest_month, pollutant, pollutant_name

),

final as (

    select
        summed.county_code,
        counties.name as county_name,
        summed.river,
        summed.month,
        summed.is_latest_month,
        summed.pollutant,
        summed.pollutant_name,
        summed.sections_measured,
        summed.sections_exceeding,
        summed.value_mean,
        summed.worst_excess_times,
        datasets.origin,
        datasets.origin_label,
        summed.loaded_at as data_as_of
    from summed
    cross join datasets
    left join counties on summed.county_code = counties.area_code

)

select * from final
