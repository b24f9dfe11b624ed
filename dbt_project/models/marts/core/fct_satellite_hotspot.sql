{#- A place that is hot in so many different months of the year is no field: straw burns in two seasons. -#}
{%- set persistent_months = 6 -%}

{{ config(indexes=[{"columns": ["latitude", "longitude", "observed_at", "satellite"], "unique": true}]) }}

with

hotspots as (

    select
        *,
        -- cells of about 1 km: positions of one source scatter by a pixel of 375 m and more
        floor(latitude * 100)::integer as cell_row,
        floor(longitude * 100)::integer as cell_column
    from {{ ref("stg_ecology_environment__satellite_hotspot") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}

),

cells as (

    select distinct
        cell_row,
        cell_column,
        extract(month from observed_at at time zone 'Asia/Shanghai') as month
    from hotspots

),

surroundings as (

    select
        cells.cell_row + down.step as cell_row,
        cells.cell_column + across.step as cell_column,
        count(distinct cells.month)::integer as months_hot
    from cells
    cross join generate_series(-1, 1) as down (step)
    cross join generate_series(-1, 1) as across (step)
    group by 1, 2

),

final as (

    select
        hotspots.latitude::numeric(8, 5) as latitude,
        hotspots.longitude::numeric(8, 5) as longitude,
        hotspots.observed_at,
        hotspots.satellite,
        (hotspots.observed_at at time zone 'Asia/Shanghai')::date as day,
        {{ county_around("hotspots.longitude", "hotspots.latitude") }} as county_code,
        hotspots.brightness_k::numeric(6, 2) as brightness_k,
        hotspots.power_mw::numeric(9, 2) as power_mw,
        hotspots.confidence,
        case hotspots.confidence when 'low' then '低' when 'nominal' then '中' when 'high' then '高' end as confidence_label,
        hotspots.is_day,
        surroundings.months_hot,
        surroundings.months_hot >= {{ persistent_months }} as is_persistent_source,
        datasets.origin,
        hotspots.object_key,
        hotspots.loaded_at
    from hotspots
    inner join surroundings on hotspots.cell_row = surroundings.cell_row and hotspots.cell_column = surroundings.cell_column
    inner join datasets on datasets.dataset = 'satellite_hotspot'

)

select * from final
