with

source as (

    {{ newest_snapshot(["natural_resources", "building_permit"]) }}

),

renamed as (

    select
        permit_no,
        permit_kind,
        project_code,
        project_name,
        county_code,
        land_area_m2,
        valid_from,
        valid_until,
        geometry as geojson,
        _loaded_at as loaded_at
    from source

)

select * from renamed
