{#-
    Figures are published as sums since January. What belongs to the period alone is the difference to the sum before it in the same
    year; February's figure is that of two months, because January is not published by itself. Null where the sum before is missing.
-#}
{{ config(indexes=[{"columns": ["area_code", "indicator", "period"], "unique": true}]) }}

with

series as (

    select * from {{ ref("stg_statistics__economy_series") }}

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

steps as (

    select
        *,
        case period_kind
            when 'month' then case when last_month = 2 then 2 else 1 end
            when 'quarter' then 3
            else 12
        end as months_covered
    from series

),

singled as (

    select
        steps.*,
        case
            when steps.last_month = steps.months_covered then steps.cumulative_value
            else steps.cumulative_value - before.cumulative_value
        end as period_value
    from steps
    left join series as before
        on
            steps.area_code = before.area_code
            and steps.indicator = before.indicator
            and steps.period_kind = before.period_kind
            and steps.year = before.year
            and steps.last_month = before.last_month + steps.months_covered

),

final as (

    select
        singled.area_code,
        areas.county_code,
        areas.name as area_name,
        singled.indicator,
        singled.indicator_name,
        singled.unit,
        singled.period_kind,
        case singled.period_kind when 'month' then '月度' when 'quarter' then '季度' else '年度' end as period_kind_label,
        singled.period,
        singled.year,
        (make_date(singled.year, singled.last_month, 1) + interval '1 month - 1 day')::date as period_end,
        singled.months_covered,
        singled.cumulative_value::numeric(18, 2) as cumulative_value,
        singled.growth_rate::numeric(18, 4) as growth_rate,
        singled.period_value::numeric(18, 2) as period_value,
        (singled.period_value / nullif(year_before.period_value, 0) - 1)::numeric(18, 4) as period_growth_rate,
        singled.first_value::numeric(18, 2) as first_value,
        singled.is_verified,
        case when singled.is_verified then '最终核实' else '初步核算' end as release_label,
        singled.released_on,
        singled.loaded_at
    from singled
    inner join areas on singled.area_code = areas.area_code
    left join singled as year_before
        on
            singled.area_code = year_before.area_code
            and singled.indicator = year_before.indicator
            and singled.period_kind = year_before.period_kind
            and singled.year = year_before.year + 1
            and singled.last_month = year_before.last_month

)

select * from final
