with

source as (

    {{ newest_statement(["urban_management", "component_inspection_month"], ["month", "county_code", "big_class", "small_class"]) }}

),

renamed as (

    select
        month,
        county_code,
        big_class,
        small_class,
        inspected,
        damaged,
        lost,
        found,
        repaired,
        _loaded_at as loaded_at
    from source

)

select * from renamed
