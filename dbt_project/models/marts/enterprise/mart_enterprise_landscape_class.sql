with

enterprises as (

    select
        *,
        case
            when closed_on is not null then closed_on
            when status in ('注销', '吊销') then established_on
            else 'infinity'::date
        end as stood_until
    from {{ ref("dim_enterprise") }}
    where is_current

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

newest as (

    select
        max(register_date) as register_date,
        (max(register_date) - interval '12 months')::date as year_before,
        max(loaded_at) as loaded_at
    from enterprises

),

final as (

    select
        enterprises.county_code,
        enterprises.county_name,
        enterprises.section_name,
        enterprises.division_name,
        coalesce(enterprises.industry_code, '') as class_code,
        concat_ws(' ', enterprises.section_code || enterprises.industry_code, enterprises.division_name) as class_label,
        (count(*) filter (
            where enterprises.established_on <= newest.register_date and enterprises.stood_until > newest.register_date
        ))::integer as entities,
        (count(*) filter (
            where enterprises.established_on <= newest.year_before and enterprises.stood_until > newest.year_before
        ))::integer as entities_year_before,
        (count(*) filter (
            where enterprises.established_on > newest.year_before and enterprises.established_on <= newest.register_date
        ))::integer as entities_new_12m,
        (count(*) filter (
            where enterprises.closed_on > newest.year_before and enterprises.closed_on <= newest.register_date
        ))::integer as entities_closed_12m,
        datasets.origin,
        datasets.origin_label,
        newest.loaded_at as data_as_of
    from enterprises
    cross join newest
    cross join datasets
    group by
        enterprises.county_code, enterprises.county_name, enterprises.section_code, enterprises.section_name,
        enterprises.division_name, enterprises.industry_code, datasets.origin, datasets.origin_label, newest.loaded_at

)

select * from final
