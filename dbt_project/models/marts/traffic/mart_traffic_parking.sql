with

accidents as (

    select
        county_code,
        day,
        count(*)::integer as accidents,
        (count(*) filter (where injured + dead > 0))::integer as accidents_with_harm,
        sum(injured)::integer as injured,
        sum(dead)::integer as dead,
        sum(loss_yuan) as loss_yuan,
        max(loaded_at) as loaded_at
    from {{ ref("fct_traffic_accident") }}
    group by county_code, day

),

trips as (

    select
        county_code,
        service_day as day,
        sum(trips_planned)::integer as trips_planned,
        sum(trips_run)::integer as trips_run,
        sum(trips_on_time)::integer as trips_on_time,
        sum(passengers)::integer as passengers,
        max(loaded_at) as loaded_at
    from {{ ref("fct_bus_trip_day") }}
    group by county_code, service_day

),

congestion as (

    select * from {{ ref("int_traffic__county_day") }}

),

parking as (

    select * from {{ ref("int_parking__county_day") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'road_section_index'

),

known_days as (

    select
        county_code,
        day
    from accidents

    union

    select
        county_code,
        day
    from trips

    union

    select
        county_code,
        day
    from congestion

    union

    select
        county_code,
        day
    from parking

),

final as (

    select
        known_days.county_code,
        counties.name as county_name,
        known_days.day,
        known_days.day > max(known_days.day) over () - 30 as is_last_30_days,
        known_days.day between max(known_days.day) over () - 59 and max(known_days.day) over () - 30 as is_30_days_before,
        case when known_days.day <= max(accidents.day) over () then coalesce(accidents.accidents, 0) end as accidents,
        case when known_days.day <= max(accidents.day) over () then coalesce(accidents.accidents_with_harm, 0) end as accidents_with_harm,
        case when known_days.day <= max(accidents.day) over () then coalesce(accidents.injured, 0) end as injured,
        case when known_days.day <= max(accidents.day) over () then coalesce(accidents.dead, 0) end as dead,
        case when known_days.day <= max(accidents.day) over () then coalesce(accidents.loss_yuan, 0) end::numeric(18, 4) as loss_yuan,
        congestion.congestion_index::numeric(18, 4) as congestion_index,
        congestion.congestion_index_rush::numeric(18, 4) as congestion_index_rush,
        parking.free_berth_rate::numeric(18, 4) as free_berth_rate,
        parking.free_berth_rate_daytime::numeric(18, 4) as free_berth_rate_daytime,
        parking.entries as parking_entries,
        trips.trips_planned,
        trips.trips_run,
        trips.trips_on_time,
        trips.trips_on_time::numeric / nullif(trips.trips_run, 0) as on_time_rate,
        trips.passengers,
        datasets.origin,
        datasets.origin_label,
        greatest(accidents.loaded_at, trips.loaded_at, congestion.loaded_at, parking.loaded_at) as data_as_of
    from known_days
    cross join datasets
    inner join counties on known_days.county_code = counties.area_code
    left join accidents on known_days.county_code = accidents.county_code and known_days.day = accidents.day
    left join trips on known_days.county_code = trips.county_code and known_days.day = trips.day
    left join congestion on known_days.county_code = congestion.county_code and known_days.day = congestion.day
    left join parking on known_days.county_code = parking.county_code and known_days.day = parking.day

)

select * from final
