with

series as (

    select * from {{ ref("fct_economy_series") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'economy_series'

),

compared as (

    select
        series.*,
        series.period_end = max(series.period_end) over kinds as is_latest,
        -- the finest rhythm in which the indicator comes: months before quarters
        min(series.months_covered) over (partition by series.indicator) = 1 as is_monthly,
        city.cumulative_value as city_value,
        city.growth_rate as city_growth_rate,
        lag(series.growth_rate) over (partition by series.area_code, series.indicator, series.period_kind order by series.period_end)
            as growth_rate_before,
        rank() over (
            partition by series.indicator, series.period, series.county_code is null order by series.growth_rate desc nulls last
        ) as growth_rank
    from series
    left join series as city
        on series.indicator = city.indicator and series.period = city.period and city.county_code is null
    window kinds as (partition by series.indicator, series.period_kind)

),

judged as (

    select
        *,
        nullif(concat_ws(
            '；',
            case when growth_rate < 0 then '同比下降 ' || round(-100 * growth_rate, 1) || '%' end,
            case
                when county_code is not null and growth_rate < city_growth_rate - {{ var("economy_gap_points") }} / 100.0
                    then '低于全市 ' || round(100 * (city_growth_rate - growth_rate), 1) || ' 个百分点'
            end,
            case
                when growth_rate < growth_rate_before - {{ var("economy_gap_points") }} / 100.0
                    then '较上期回落 ' || round(100 * (growth_rate_before - growth_rate), 1) || ' 个百分点'
            end
        ), '') as attention_reason
    from compared

),

final as (

    select
        judged.area_code,
        judged.county_code,
        judged.area_name,
        judged.county_code is null as is_city,
        judged.indicator,
        judged.indicator_name,
        judged.unit,
        judged.period_kind,
        judged.period_kind_label,
        judged.period,
        judged.year,
        judged.period_end,
        judged.is_latest,
        judged.is_latest and judged.period_kind = case when judged.is_monthly then 'month' else 'quarter' end as is_current,
        judged.cumulative_value,
        judged.growth_rate,
        judged.growth_rate_before,
        judged.period_value,
        judged.period_growth_rate,
        case
            when judged.county_code is not null and judged.unit <> '元'
                then (judged.cumulative_value / nullif(judged.city_value, 0))::numeric(18, 4)
        end as city_share,
        case
            when judged.county_code is not null then ((judged.growth_rate - judged.city_growth_rate) * 100)::numeric(18, 2)
        end as gap_to_city_points,
        case when judged.county_code is not null then judged.growth_rank::integer end as growth_rank,
        judged.first_value,
        (judged.cumulative_value - judged.first_value)::numeric(18, 2) as revised_by,
        judged.is_verified,
        judged.release_label,
        judged.released_on,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets

)

select * from final
