with

records as (

    select * from {{ ref("fct_gov_service_record") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'gov_service_record'

),

newest as (

    select
        max(greatest(accepted_at, finished_at)) as state_as_of,
        max(loaded_at) as loaded_at
    from records

),

counted as (

    select
        records.county_code,
        (count(*) filter (where records.accepted_at > newest.state_as_of - interval '12 months'))::integer as records_accepted_12m,
        (count(*) filter (where records.finished_at > newest.state_as_of - interval '12 months'))::integer as records_finished_12m,
        avg(records.working_days_spent) filter (
            where records.finished_at > newest.state_as_of - interval '12 months'
        ) as mean_handling_days_12m,
        avg(records.working_days_spent) filter (
            where records.finished_at <= newest.state_as_of - interval '12 months'
        ) as mean_handling_days_before,
        (count(*) filter (
            where not records.is_late and records.finished_at > newest.state_as_of - interval '12 months'
        ))::numeric
        / nullif(count(*) filter (where records.finished_at > newest.state_as_of - interval '12 months'), 0) as on_time_rate_12m,
        (count(*) filter (
            where records.satisfaction >= 4 and records.finished_at > newest.state_as_of - interval '12 months'
        ))::numeric
        / nullif(
            count(records.satisfaction) filter (where records.finished_at > newest.state_as_of - interval '12 months'), 0
        ) as satisfaction_rate_12m,
        (count(*) filter (
            where records.is_away_from_window and records.accepted_at > newest.state_as_of - interval '12 months'
        ))::numeric
        / nullif(
            count(*) filter (where records.accepted_at > newest.state_as_of - interval '12 months'), 0
        ) as away_from_window_rate_12m,
        (count(*) filter (where records.finished_at is null))::integer as records_open,
        (count(*) filter (
            where records.finished_at is null and records.promised_due_at < newest.state_as_of
        ))::integer as records_overdue
    from records
    cross join newest
    group by records.county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(counted.records_accepted_12m, 0) as records_accepted_12m,
        coalesce(counted.records_finished_12m, 0) as records_finished_12m,
        counted.mean_handling_days_12m,
        counted.mean_handling_days_before,
        counted.on_time_rate_12m,
        counted.satisfaction_rate_12m,
        counted.away_from_window_rate_12m,
        coalesce(counted.records_open, 0) as records_open,
        coalesce(counted.records_overdue, 0) as records_overdue,
        case
            when counted.mean_handling_days_12m is not null
                then (rank() over (order by counted.mean_handling_days_12m asc nulls last))::integer
        end as rank_in_city,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from counties
    cross join newest
    cross join datasets
    left join counted on counties.area_code = counted.county_code

)

select * from final
