with

components as (

    select
        county_code,
        count(*)::integer as components,
        (count(*) filter (where state = 'intact'))::integer as intact,
        (count(*) filter (where state = 'damaged'))::integer as damaged,
        (count(*) filter (where state = 'lost'))::integer as lost,
        (count(*) filter (where has_sensor))::integer as sensors,
        (count(*) filter (where is_online))::integer as sensors_online,
        max(loaded_at) as loaded_at
    from {{ ref("fct_municipal_component") }}
    group by county_code

),

grids as (

    select
        county_code,
        count(*)::integer as grids
    from {{ ref("dim_grid") }}
    group by county_code

),

component_scenarios as (

    select distinct case_scenario
    from {{ ref("component_class") }}
    where case_scenario is not null

),

cases as (

    select
        cases.county_code,
        count(*)::integer as cases
    from {{ ref("fct_case") }} as cases
    inner join component_scenarios on cases.scenario = component_scenarios.case_scenario
    where not cases.is_voided and cases.found_at >= {{ build_day() }} - 365
    group by cases.county_code

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'municipal_component'

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(grids.grids, 0) as grids,
        coalesce(components.components, 0) as components,
        coalesce(components.intact, 0) as intact,
        coalesce(components.damaged, 0) as damaged,
        coalesce(components.lost, 0) as lost,
        components.intact::numeric / nullif(components.components, 0) as intact_rate,
        case
            when components.components > 0
                then (
                    rank() over (
                        order by components.intact::numeric / nullif(components.components, 0) desc nulls last
                    )
                )::integer
        end as rank_in_city,
        coalesce(components.sensors, 0) as sensors,
        coalesce(components.sensors_online, 0) as sensors_online,
        components.sensors_online::numeric / nullif(components.sensors, 0) as online_rate,
        coalesce(cases.cases, 0) as cases_of_year,
        coalesce(cases.cases, 0) * 1000::numeric / nullif(components.components, 0) as cases_per_1000,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        components.loaded_at as data_as_of
    from counties
    cross join datasets
    left join components on counties.area_code = components.county_code
    left join grids on counties.area_code = grids.county_code
    left join cases on counties.area_code = cases.county_code

)

select * from final
