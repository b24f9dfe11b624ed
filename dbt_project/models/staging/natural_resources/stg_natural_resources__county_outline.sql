with

source as (

    {{ newest_snapshot(["natural_resources", "county_boundary"]) }}

),

renamed as (

    select
        name,
        geometry::jsonb as geometry_as_delivered,
        _batch_id as batch_id,
        _loaded_at as loaded_at
    from source

)

select * from renamed
