{#- Days of the gauges that are shown. -#}
{%- set days_shown = 90 %}

with

stages as (

    select
        *,
        (observed_at at time zone 'Asia/Shanghai')::date as day
    from {{ ref("fct_water_stage") }}
    where observed_at > (select max(observed_at) from {{ ref("fct_water_stage") }}) - interval '{{ days_shown }} days'

),

gauges as (

    select * from {{ ref("stg_water_affairs__gauge") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'water_stage'

),

summed as (

    select
        stages.gauge_code,
        stages.county_code,
        stages.day,
        avg(stages.stage_m)::numeric(18, 4) as stage_mean_m,
        max(stages.stage_m) as stage_max_m,
        (array_agg(stages.stage_m order by stages.observed_at desc))[1] as stage_last_m,
        max(stages.observed_at) as observed_at,
        ((count(*) filter (where stages.stage_m >= gauges.warning_stage_m)) * 5 / 60.0)::numeric(18, 1) as hours_over_warning
    from stages
    inner join gauges on stages.gauge_code = gauges.gauge_code
    group by stages.gauge_code, stages.county_code, stages.day

),

final as (

    select
        summed.gauge_code,
        gauges.gauge_name,
        gauges.river,
        summed.county_code,
        counties.name as county_name,
        summed.day,
        summed.day = max(summed.day) over () as is_latest_day,
        summed.stage_mean_m,
        summed.stage_max_m,
        summed.stage_last_m,
        summed.observed_at,
        gauges.warning_stage_m::numeric(18, 4) as warning_stage_m,
        gauges.guaranteed_stage_m::numeric(18, 4) as guaranteed_stage_m,
        (summed.stage_max_m - gauges.warning_stage_m)::numeric(18, 4) as over_warning_m,
        summed.stage_max_m >= gauges.warning_stage_m as is_over_warning,
        summed.stage_max_m >= gauges.guaranteed_stage_m as is_over_guaranteed,
        summed.hours_over_warning,
        summed.day = max(summed.day) over () and summed.stage_last_m >= gauges.warning_stage_m as needs_attention,
        gauges.lon::numeric(9, 6) as lon,
        gauges.lat::numeric(9, 6) as lat,
        datasets.origin,
        datasets.origin_label,
        summed.observed_at as data_as_of
    from summed
    inner join gauges on summed.gauge_code = gauges.gauge_code
    cross join datasets
    left join counties on summed.county_code = counties.area_code

)

select * from final
