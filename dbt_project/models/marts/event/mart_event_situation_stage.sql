with

stays as (

    select * from {{ ref("int_case__stage") }}
    where is_current or left_at > now() - interval '7 days'

),

cases as (

    select * from {{ ref("fct_case") }}
    where not is_voided

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

final as (

    select
        cases.case_number,
        stays.entry_step,
        stays.stage,
        stays.stage_label,
        array_position(
            array[
                'detected', 'confirmed', 'filed', 'dispatched', 'accepted', 'handling',
                'handled', 'checking', 'rework', 'suspended'
            ],
            stays.stage
        ) as stage_order,
        cases.scenario_name,
        cases.domain_name,
        cases.county_code,
        counties.name as county_name,
        coalesce(cases.handler_name, '未派遣') as handler_name,
        stays.entered_at,
        stays.left_at,
        stays.is_current,
        stays.stayed_minutes,
        cases.origin,
        cases.origin_label,
        coalesce(stays.left_at, stays.entered_at) as data_as_of
    from stays
    inner join cases on stays.case_id = cases.case_id
    left join counties on cases.county_code = counties.area_code

)

select * from final
