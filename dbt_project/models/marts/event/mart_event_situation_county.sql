with

cases as (

    select * from {{ ref("fct_case") }}
    where not is_voided

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

counted as (

    select
        county_code,
        (count(*) filter (where is_open))::integer as cases_open,
        (count(*) filter (where found_at > now() - interval '30 days'))::integer as cases_new_30d,
        (count(*) filter (where is_closed and found_at > now() - interval '30 days'))::integer as cases_closed_30d,
        (count(*) filter (where is_closed_on_time and found_at > now() - interval '30 days'))::integer as cases_closed_on_time_30d,
        max(origin) as origin,
        max(greatest(found_at, closed_at)) as data_as_of
    from cases
    group by county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(counted.cases_open, 0) as cases_open,
        coalesce(counted.cases_new_30d, 0) as cases_new_30d,
        coalesce(counted.cases_closed_30d, 0) as cases_closed_30d,
        coalesce(counted.cases_closed_on_time_30d, 0) as cases_closed_on_time_30d,
        counties.residents,
        coalesce(counted.cases_new_30d, 0) * 100000.0 / nullif(counties.residents, 0) as cases_per_100k,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        -- a county without a case has no data to be of either kind: it is labelled as the outline that is drawn
        coalesce(counted.origin, 'real') as origin,
        {{ origin_label("coalesce(counted.origin, 'real')") }} as origin_label,
        counted.data_as_of
    from counties
    left join counted on counties.area_code = counted.county_code

)

select * from final
