with

components as (

    select * from {{ ref("stg_urban_management__component") }}

),

classes as (

    select * from {{ ref("component_class") }}

),

final as (

    select
        components.component_code,
        components.big_class,
        classes.big_class_name,
        components.small_class,
        coalesce(classes.small_class_name, components.class_name) as small_class_name,
        coalesce(classes.is_safety_critical, false) as is_safety_critical,
        classes.case_scenario,
        components.state,
        components.state_label,
        components.state_since,
        case when components.state <> 'intact' then {{ build_day() }} - components.state_since end as days_in_need,
        components.grid_code,
        components.area_code,
        components.county_code,
        components.longitude,
        components.latitude,
        components.owner_unit,
        components.installed_on,
        components.has_sensor,
        components.is_online,
        components.loaded_at
    from components
    left join classes on components.big_class = classes.big_class and components.small_class = classes.small_class

)

select * from final
