with

inspections as (

    select * from {{ ref("stg_urban_management__inspection") }}

),

classes as (

    select distinct
        big_class,
        big_class_name
    from {{ ref("component_class") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'component_inspection_month'

),

months as (

    select
        month,
        county_code,
        big_class,
        sum(inspected)::integer as inspected,
        sum(damaged)::integer as damaged,
        sum(lost)::integer as lost,
        sum(found)::integer as found,
        sum(repaired)::integer as repaired,
        max(loaded_at) as loaded_at
    from inspections
    group by month, county_code, big_class

),

compared as (

    select
        months.*,
        (months.damaged + months.lost)::numeric / nullif(months.inspected, 0) as damage_rate,
        (year_before.damaged + year_before.lost)::numeric / nullif(year_before.inspected, 0) as damage_rate_year_before
    from months
    left join months as year_before
        on
            months.county_code = year_before.county_code
            and months.big_class = year_before.big_class
            and months.month = year_before.month + interval '1 year'

),

final as (

    select
        compared.month,
        compared.month = max(compared.month) over () as is_latest_month,
        compared.county_code,
        counties.name as county_name,
        compared.big_class,
        classes.big_class_name,
        compared.inspected,
        compared.damaged,
        compared.lost,
        compared.found,
        compared.repaired,
        compared.damage_rate,
        compared.damage_rate_year_before,
        datasets.origin,
        datasets.origin_label,
        compared.loaded_at as data_as_of
    from compared
    cross join datasets
    inner join counties on compared.county_code = counties.area_code
    left join classes on compared.big_class = classes.big_class

)

select * from final
