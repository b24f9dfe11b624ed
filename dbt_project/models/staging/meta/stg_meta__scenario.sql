with

source as (

    select * from {{ source("meta", "scenario") }}

),

renamed as (

    select
        scenario,
        kind as scenario_kind,
        title_zh as scenario_name,
        domain,
        domain_zh as domain_name,
        provenance
    from source

)

select * from renamed
