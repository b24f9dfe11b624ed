{#- What needs attention: true findings that are still there, the oldest first to be asked about. -#}
with

findings as (

    select * from {{ ref("stg_water_affairs__four_disorder_finding") }}
    where is_confirmed and cleared_on is null

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'four_disorder_finding'

),

final as (

    select
        findings.finding_code,
        findings.county_code,
        counties.name as county_name,
        findings.river,
        findings.disorder,
        findings.found_by,
        findings.area_m2,
        findings.found_on,
        findings.confirmed_on,
        {{ build_day() }} - findings.confirmed_on as days_open,
        {{ build_day() }} - findings.confirmed_on > 30 as needs_attention,
        datasets.origin,
        datasets.origin_label,
        findings.loaded_at as data_as_of
    from findings
    inner join counties on findings.county_code = counties.area_code
    cross join datasets

)

select * from final
