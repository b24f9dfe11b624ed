{#-
    Sections, lots and lines are held against their own past: the last seven days against the ninety before them, lines thirty days against
    as many before them as are known.
-#}
with

hours as (

    select
        *,
        hour_start > max(hour_start) over () - interval '7 days' as is_recent
    from {{ ref("fct_traffic_hour") }}
    where
        hour_start > (select max(newest.hour_start) - interval '97 days' from {{ ref("fct_traffic_hour") }} as newest)
        and extract(hour from hour_start at time zone 'Asia/Shanghai') in (7, 8, 17, 18)

),

lots as (

    select * from {{ ref("stg_urban_management__parking_lot") }}

),

parking as (

    select
        *,
        hour_start > max(hour_start) over () - interval '7 days' as is_recent
    from {{ ref("fct_parking_hour") }}
    where
        hour_start > (select max(newest.hour_start) - interval '97 days' from {{ ref("fct_parking_hour") }} as newest)
        and extract(hour from hour_start at time zone 'Asia/Shanghai') between 8 and 19

),

trips as (

    select
        *,
        service_day > max(service_day) over () - 30 as is_recent
    from {{ ref("fct_bus_trip_day") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'road_section_index'

),

sections as (

    select
        'section' as thing_kind,
        '路段' as thing_kind_label,
        section_code as thing_code,
        max(section_name) as thing_name,
        max(county_code) as county_code,
        avg(congestion_index) filter (where is_recent) as value_now,
        avg(congestion_index) filter (where not is_recent) as value_before,
        max(loaded_at) as loaded_at
    from hours
    group by section_code

),

full_lots as (

    select
        'lot' as thing_kind,
        '停车场' as thing_kind_label,
        parking.lot_code as thing_code,
        coalesce(max(lots.lot_name), parking.lot_code) as thing_name,
        max(parking.county_code) as county_code,
        sum(parking.free_berths) filter (where parking.is_recent)::numeric
        / nullif(sum(parking.berths) filter (where parking.is_recent), 0) as value_now,
        sum(parking.free_berths) filter (where not parking.is_recent)::numeric
        / nullif(sum(parking.berths) filter (where not parking.is_recent), 0) as value_before,
        max(parking.loaded_at) as loaded_at
    from parking
    left join lots on parking.lot_code = lots.lot_code
    group by parking.lot_code

),

late_lines as (

    select
        'line' as thing_kind,
        '公交线路' as thing_kind_label,
        line_code as thing_code,
        max(line_name) as thing_name,
        max(county_code) as county_code,
        sum(trips_on_time) filter (where is_recent)::numeric
        / nullif(sum(trips_run) filter (where is_recent), 0) as value_now,
        sum(trips_on_time) filter (where not is_recent)::numeric
        / nullif(sum(trips_run) filter (where not is_recent), 0) as value_before,
        max(loaded_at) as loaded_at
    from trips
    group by line_code

),

things as (

    select * from sections

    union all

    select * from full_lots

    union all

    select * from late_lines

),

judged as (

    select
        *,
        case
            when thing_kind = 'section' and value_now >= 1.8 then '高峰拥堵指数 ' || round(value_now, 2)
            when thing_kind = 'section' and value_now >= value_before * 1.15 then '高峰拥堵比前期上升'
            when thing_kind = 'lot' and value_now < 0.3 then '白天空余泊位不足三成'
            when thing_kind = 'line' and value_now < 0.75 then '近30天准点率 ' || round(value_now * 100, 1) || '%'
            when thing_kind = 'line' and value_now <= value_before - 0.05 then '准点率比前期下降'
        end as attention_reason
    from things

),

final as (

    select
        judged.thing_kind,
        judged.thing_kind_label,
        judged.thing_code,
        judged.thing_name,
        judged.county_code,
        counties.name as county_name,
        judged.value_now::numeric(18, 4) as value_now,
        judged.value_before::numeric(18, 4) as value_before,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets
    inner join counties on judged.county_code = counties.area_code

)

select * from final
