{#- A verified figure has the key of the first release and a later version: it wins, and what was released first is shown beside it. -#}
with

source as (

    {{ newest_statement(["statistics", "economy_series"], ["area_code", "indicator", "period"]) }}

),

first_releases as (

    select distinct on (releases.area_code, releases.indicator, releases.period)
        releases.area_code,
        releases.indicator,
        releases.period,
        releases.value
    from {{ source("statistics", "economy_series") }} as releases
    inner join {{ source("meta", "batch") }} as stated on releases._batch_id = stated.batch_id
    where releases.release = '初步核算'
    order by
        releases.area_code asc,
        releases.indicator asc,
        releases.period asc,
        stated.source_version asc,
        releases._batch_id asc,
        releases._line asc

),

renamed as (

    select
        source.area_code,
        source.indicator,
        source.indicator_name,
        source.unit,
        case source.period_kind when '月度' then 'month' when '季度' then 'quarter' else 'year' end as period_kind,
        source.period,
        substr(source.period, 1, 4)::integer as year,
        -- the last month of the period; figures are sums since January
        case source.period_kind
            when '月度' then substr(source.period, 6, 2)::integer
            when '季度' then substr(source.period, 6, 1)::integer * 3
            else 12
        end as last_month,
        source.value as cumulative_value,
        source.growth_pct / 100 as growth_rate,
        first_releases.value as first_value,
        source.release = '最终核实' as is_verified,
        source.released_on,
        source._loaded_at as loaded_at
    from source
    left join first_releases
        on
            source.area_code = first_releases.area_code
            and source.indicator = first_releases.indicator
            and source.period = first_releases.period

)

select * from renamed
