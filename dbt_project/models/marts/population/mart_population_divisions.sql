with

population as (

    select * from {{ ref("fct_population_year") }}

),

areas as (

    select * from {{ ref("dim_area") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'population_county_year'

),

divisions as (

    select
        county_code,
        (count(*) filter (where area_level = 'township'))::integer as townships,
        (count(*) filter (where area_level = 'village'))::integer as villages
    from areas
    group by county_code

),

rated as (

    select
        *,
        urban_residents::numeric / nullif(residents, 0) as urban_rate,
        residents / nullif(area_km2, 0) as density,
        (births - deaths) * 1000.0 / nullif(residents, 0) as natural_growth_permille,
        age_60_plus::numeric / nullif(residents, 0) as share_60_plus,
        age_65_plus::numeric / nullif(residents, 0) as share_65_plus,
        age_0_14::numeric / nullif(residents, 0) as share_0_14,
        (age_0_14 + age_60_plus)::numeric / nullif(age_15_59, 0) as dependency_ratio,
        count(*) filter (where residents_change < 0) over (
            partition by county_code order by year rows between 2 preceding and current row
        ) as falls_in_3_years
    from population

),

final as (

    select
        rated.county_code,
        rated.county_name,
        rated.year,
        rated.is_latest_year,
        rated.residents,
        rated.residents_change,
        (rated.residents_change::numeric / nullif(rated.residents - rated.residents_change, 0))::numeric(18, 6) as residents_change_rate,
        rated.urban_residents,
        rated.residents - rated.urban_residents as rural_residents,
        rated.urban_rate::numeric(18, 4) as urban_rate,
        rated.area_km2,
        rated.density::numeric(18, 2) as density,
        rated.births,
        rated.deaths,
        rated.natural_growth_permille::numeric(18, 2) as natural_growth_permille,
        rated.age_0_14,
        rated.age_15_59,
        rated.age_60_plus,
        rated.age_65_plus,
        rated.share_0_14::numeric(18, 4) as share_0_14,
        rated.share_60_plus::numeric(18, 4) as share_60_plus,
        rated.share_65_plus::numeric(18, 4) as share_65_plus,
        rated.dependency_ratio::numeric(18, 4) as dependency_ratio,
        rated.households,
        (rated.residents::numeric / nullif(rated.households, 0))::numeric(18, 2) as household_size,
        divisions.townships,
        divisions.villages,
        -- 60 and over: 10 per cent begin ageing, 20 moderate, 30 severe
        case
            when rated.share_60_plus >= 0.3 then '重度老龄化'
            when rated.share_60_plus >= 0.2 then '中度老龄化'
            when rated.share_60_plus >= 0.1 then '轻度老龄化'
            else '未老龄化'
        end as ageing_label,
        rated.falls_in_3_years = 3 or rated.share_60_plus >= 0.2 as needs_attention,
        nullif(concat_ws(
            '；',
            case when rated.falls_in_3_years = 3 then '常住人口连续三年减少' end,
            case when rated.share_60_plus >= 0.2 then '60岁及以上占 ' || round(100 * rated.share_60_plus, 1) || '%' end
        ), '') as attention_reason,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        rated.loaded_at as data_as_of
    from rated
    cross join datasets
    inner join areas as counties on rated.county_code = counties.area_code
    left join divisions on rated.county_code = divisions.county_code

)

select * from final
