{#-
    The indicators are those by which digital city management is judged (GB/T 30428.4): filing, handling and closing on time, rework,
    places of repeated trouble. Their weights are this city's own: vars.performance_weights. A case counts in the month it was found in.
-#}
{%- set weights = var("performance_weights") %}

with

cases as (

    select
        *,
        date_trunc('month', found_at at time zone 'Asia/Shanghai')::date as month
    from {{ ref("fct_case") }}
    where domain = 'governance' and found_at > '{{ run_started_at }}'::timestamptz - interval '25 months' and county_code is not null

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

placed as (

    select
        *,
        not is_voided and not is_exempt as is_timed,
        case when place_id is not null and not is_voided then count(*) over (partition by place_id, month, is_voided) end as cases_of_place
    from cases

),

counted as (

    select
        county_code,
        month,
        count(*)::integer as cases_reported,
        (count(*) filter (where is_voided))::integer as cases_voided,
        (count(*) filter (where filed_at is not null))::integer as cases_filed,
        (
            count(*) filter (where is_timed and filed_at is not null and (handled_at is not null or has_handling_run_out))
        )::integer as cases_due,
        (count(*) filter (where is_timed and handled_at is not null and not has_handling_run_out))::integer as cases_handled_on_time,
        (count(*) filter (where is_timed and (is_closed or has_handling_run_out)))::integer as cases_closing_due,
        (count(*) filter (where is_closed_on_time and rework_count = 0))::integer as cases_closed_on_time,
        (count(*) filter (where not is_voided and handled_at is not null))::integer as cases_handled,
        (count(*) filter (where not is_voided and rework_count > 0))::integer as cases_reworked,
        (count(*) filter (where cases_of_place >= 3))::integer as cases_at_repeat_places,
        (count(distinct place_id) filter (where cases_of_place >= 3))::integer as repeat_places,
        max(origin) as origin,
        max(last_stepped_at) as data_as_of
    from placed
    group by county_code, month

),

rated as (

    select
        *,
        cases_filed::numeric / nullif(cases_reported, 0) as filing_rate,
        cases_handled_on_time::numeric / nullif(cases_due, 0) as handling_rate,
        cases_closed_on_time::numeric / nullif(cases_closing_due, 0) as closing_rate,
        cases_reworked::numeric / nullif(cases_handled, 0) as rework_rate,
        cases_at_repeat_places::numeric / nullif(cases_reported - cases_voided, 0) as repeat_rate
    from counted

),

scored as (

    select
        *,
        100 * (
            {{ weights.filing }} * filing_rate
            + {{ weights.handling }} * handling_rate
            + {{ weights.closing }} * closing_rate
            + {{ weights.rework }} * (1 - rework_rate)
            + {{ weights.repeat }} * (1 - repeat_rate)
        ) as score
    from rated

),

final as (

    select
        scored.county_code,
        counties.name as county_name,
        scored.month,
        scored.month = date_trunc('month', {{ build_day() }})::date as is_current_month,
        scored.cases_reported,
        scored.cases_voided,
        scored.cases_filed,
        scored.cases_due,
        scored.cases_handled_on_time,
        scored.cases_closing_due,
        scored.cases_closed_on_time,
        scored.cases_handled,
        scored.cases_reworked,
        scored.cases_at_repeat_places,
        scored.repeat_places,
        scored.score,
        scored.score - lag(scored.score) over (partition by scored.county_code order by scored.month) as score_change,
        (case when scored.score is not null then rank() over (partition by scored.month order by scored.score desc nulls last) end)::integer
            as county_rank,
        scored.origin,
        {{ origin_label("scored.origin") }} as origin_label,
        scored.data_as_of
    from scored
    inner join counties on scored.county_code = counties.area_code

)

select * from final
