with

figures as (

    select * from {{ ref("fct_water_quality_month") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'water_section_month'

),

sections as (

    select
        section_code,
        section_name,
        river,
        county_code,
        month,
        target_class,
        target_rank,
        quality_class,
        quality_rank,
        (count(*) filter (where is_exceeding))::integer as pollutants_exceeding,
        string_agg(
            pollutant_name || coalesce('（超 ' || to_char(excess_times, 'FM990.00') || ' 倍）', ''), '、'
            order by excess_times desc nulls last, pollutant asc
        ) filter (where is_exceeding) as exceeding_pollutants,
        max(excess_times) as worst_excess_times,
        max(loaded_at) as loaded_at
    from figures
    group by section_code, section_name, river, county_code, month, target_class, target_rank, quality_class, quality_rank

),

compared as (

    select
        *,
        max(month) over () as newest_month,
        lag(quality_rank) over (partition by section_code order by month) as quality_rank_before
    from sections

),

final as (

    select
        compared.section_code,
        compared.section_name,
        compared.river,
        compared.county_code,
        counties.name as county_name,
        compared.month,
        compared.month = compared.newest_month as is_latest_month,
        compared.quality_class,
        compared.quality_rank,
        compared.target_class,
        compared.target_rank,
        compared.quality_rank <= 3 as reaches_class_3,
        compared.quality_rank <= compared.target_rank as reaches_target,
        compared.quality_rank_before,
        case
            when compared.quality_rank > compared.quality_rank_before then '变差'
            when compared.quality_rank < compared.quality_rank_before then '好转'
            when compared.quality_rank = compared.quality_rank_before then '持平'
        end as change_label,
        compared.pollutants_exceeding,
        compared.exceeding_pollutants,
        compared.worst_excess_times,
        compared.month = compared.newest_month and compared.quality_rank > compared.target_rank as needs_attention,
        datasets.origin,
        datasets.origin_label,
        compared.loaded_at as data_as_of
    from compared
    cross join datasets
    left join counties on compared.county_code = counties.area_code

)

select * from final
