with

drills as (

    select
        *,
        date_trunc('month', planned_on)::date as month
    from {{ ref("stg_emergency_management__drill") }}
    where planned_on <= {{ build_day() }}

),

areas as (

    select * from {{ ref("dim_area") }}
    where area_level in ('city', 'county')

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'emergency_drill'

),

months as (

    select
        month,
        county_code,
        count(*)::integer as drills_due,
        count(held_on)::integer as drills_held,
        (count(*) filter (where held_on is null and planned_on < {{ build_day() }} - 30))::integer as drills_overdue,
        sum(participants)::integer as participants,
        max(loaded_at) as loaded_at
    from drills
    group by month, county_code

),

final as (

    select
        months.month,
        months.county_code,
        areas.name as area_name,
        months.drills_due,
        months.drills_held,
        months.drills_overdue,
        months.drills_held::numeric / months.drills_due as drill_rate,
        months.participants,
        datasets.origin,
        datasets.origin_label,
        months.loaded_at as data_as_of
    from months
    cross join datasets
    inner join areas on months.county_code = areas.area_code or (months.county_code is null and areas.area_level = 'city')

)

select * from final
