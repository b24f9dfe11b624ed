with

congestion as (

    select
        county_code,
        hour_start,
        count(*)::integer as sections,
        (count(*) filter (where congestion_index >= 1.8))::integer as sections_congested,
        sum(congestion_index * length_km) / nullif(sum(length_km), 0) as congestion_index,
        sum(mean_speed_kmh * length_km) / nullif(sum(length_km), 0) as mean_speed_kmh,
        max(loaded_at) as loaded_at
    from {{ ref("fct_traffic_hour") }}
    where hour_start > (select max(newest.hour_start) - interval '30 days' from {{ ref("fct_traffic_hour") }} as newest)
    group by county_code, hour_start

),

parking as (

    select
        county_code,
        hour_start,
        sum(berths)::integer as berths,
        sum(free_berths)::integer as free_berths,
        max(loaded_at) as loaded_at
    from {{ ref("fct_parking_hour") }}
    where hour_start > (select max(newest.hour_start) - interval '30 days' from {{ ref("fct_parking_hour") }} as newest)
    group by county_code, hour_start

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'road_section_index'

),

joined as (

    select
        coalesce(congestion.county_code, parking.county_code) as county_code,
        coalesce(congestion.hour_start, parking.hour_start) as hour_start,
        congestion.sections,
        congestion.sections_congested,
        congestion.congestion_index,
        congestion.mean_speed_kmh,
        parking.berths,
        parking.free_berths,
        greatest(congestion.loaded_at, parking.loaded_at) as loaded_at
    from congestion
    full join parking on congestion.county_code = parking.county_code and congestion.hour_start = parking.hour_start

),

final as (

    select
        joined.county_code,
        counties.name as county_name,
        joined.hour_start,
        extract(hour from joined.hour_start at time zone 'Asia/Shanghai')::integer as hour_of_day,
        joined.hour_start = max(joined.hour_start) over () as is_newest_hour,
        joined.sections,
        joined.sections_congested,
        joined.congestion_index::numeric(18, 4) as congestion_index,
        week_before.congestion_index::numeric(18, 4) as congestion_index_week_before,
        joined.mean_speed_kmh::numeric(18, 4) as mean_speed_kmh,
        joined.berths,
        joined.free_berths,
        joined.free_berths::numeric / nullif(joined.berths, 0) as free_berth_rate,
        datasets.origin,
        datasets.origin_label,
        joined.loaded_at as data_as_of
    from joined
    cross join datasets
    inner join counties on joined.county_code = counties.area_code
    left join joined as week_before
        on joined.county_code = week_before.county_code and joined.hour_start = week_before.hour_start + interval '7 days'

)

select * from final
