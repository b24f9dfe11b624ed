{#-
    Weeks are seven times 24 hours, counted back from the newest call. A matter rises when the week has at least half as many calls again
    as the last one, and more than the eight weeks before make likely: their mean and two standard deviations.
-#}
with

tickets as (

    select
        *,
        max(received_at) over () as data_as_of
    from {{ ref("fct_hotline_ticket") }}
    where matter is not null

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'hotline_ticket'

),

weeks as (

    select
        *,
        floor(extract(epoch from data_as_of - received_at) / (7 * 86400))::integer as weeks_ago
    from tickets
    where received_at > data_as_of - interval '63 days'

),

of_areas as (

    select
        areas.area_code,
        areas.area_level,
        areas.name as area_name,
        areas.county_code,
        weeks.ticket_no,
        weeks.demand_class_name,
        weeks.matter,
        weeks.matter_name,
        weeks.group_ticket_no,
        weeks.weeks_ago,
        weeks.data_as_of
    from weeks
    inner join areas on areas.area_level = 'city' or weeks.county_code = areas.county_code

),

subjects as (

    select
        area_code,
        area_level,
        area_name,
        county_code,
        matter,
        demand_class_name,
        matter_name,
        (count(*) filter (where weeks_ago = 0))::integer as tickets_week,
        (count(distinct group_ticket_no) filter (where weeks_ago = 0))::integer as matters_week,
        (count(*) filter (where weeks_ago = 1))::integer as tickets_last_week,
        max(data_as_of) as data_as_of
    from of_areas
    group by area_code, area_level, area_name, county_code, matter, demand_class_name, matter_name

),

before as (

    select
        subjects.area_code,
        subjects.matter,
        count(of_areas.ticket_no) as tickets
    from subjects
    cross join generate_series(1, 8) as week (weeks_ago)
    left join
        of_areas
        on
            subjects.area_code = of_areas.area_code
            and subjects.matter = of_areas.matter
            and week.weeks_ago = of_areas.weeks_ago
    group by subjects.area_code, subjects.matter, week.weeks_ago

),

usual as (

    select
        area_code,
        matter,
        avg(tickets) as mean_before,
        stddev_samp(tickets) as spread_before
    from before
    group by area_code, matter

),

largest as (

    -- what most people call about this week, in the words of the first of them
    select distinct on (of_areas.area_code, of_areas.matter)
        of_areas.area_code,
        of_areas.matter,
        count(*)::integer as calls,
        first_calls.summary
    from of_areas
    left join tickets as first_calls on of_areas.group_ticket_no = first_calls.ticket_no
    where of_areas.weeks_ago = 0
    group by of_areas.area_code, of_areas.matter, of_areas.group_ticket_no, first_calls.summary
    order by of_areas.area_code asc, of_areas.matter asc, count(*) desc, of_areas.group_ticket_no asc

),

final as (

    select
        subjects.area_code,
        subjects.area_level,
        subjects.area_name,
        subjects.county_code,
        subjects.matter,
        subjects.demand_class_name,
        subjects.matter_name,
        subjects.tickets_week,
        subjects.matters_week,
        subjects.tickets_last_week,
        subjects.tickets_week - subjects.tickets_last_week as tickets_more,
        round(usual.mean_before, 4)::numeric(18, 4) as tickets_usual,
        subjects.tickets_week >= 5
        and subjects.tickets_week >= 1.5 * subjects.tickets_last_week
        and subjects.tickets_week > usual.mean_before + 2 * usual.spread_before as is_rising,
        (rank() over (
            partition by subjects.area_code order by subjects.tickets_week desc
        ))::integer as rank_in_area,
        coalesce(largest.calls, 0) as calls_of_largest,
        largest.summary as summary_of_largest,
        datasets.origin,
        {{ origin_label("datasets.origin") }} as origin_label,
        subjects.data_as_of
    from subjects
    cross join datasets
    inner join usual on subjects.area_code = usual.area_code and subjects.matter = usual.matter
    left join largest on subjects.area_code = largest.area_code and subjects.matter = largest.matter

)

select * from final
