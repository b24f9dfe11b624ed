{#- Registers are delivered whole, so a register that stood still says the same again: what is not said any more is gone. -#}
with

deliveries as (

    -- of several deliveries for a day the newest version says how things stood
    select distinct on (dataset, coalesce(newest_logical_date, logical_date))
        batch_id,
        dataset,
        coalesce(newest_logical_date, logical_date) as stated_on
    from {{ source("meta", "batch") }}
    where
        dataset in ('division_county', 'division_township', 'division_village')
        and state = 'loaded'
        and rows_loaded > 0
    order by
        dataset asc,
        coalesce(newest_logical_date, logical_date) asc,
        coalesce(newest_version, source_version) desc,
        sha256 desc

),

statements as (

    select
        _batch_id as batch_id,
        'county' as area_level,
        code as area_code,
        name,
        rpad(city_code, 6, '0') as parent_code
    from {{ source("civil_affairs", "division_county") }}

    union all

    select
        _batch_id as batch_id,
        'township' as area_level,
        code as area_code,
        name,
        county_code as parent_code
    from {{ source("civil_affairs", "division_township") }}

    union all

    select
        _batch_id as batch_id,
        'village' as area_level,
        code as area_code,
        name,
        township_code as parent_code
    from {{ source("civil_affairs", "division_village") }}

),

renamed as (

    select
        statements.area_level,
        statements.area_code,
        statements.name,
        statements.parent_code,
        deliveries.stated_on
    from statements
    inner join deliveries on statements.batch_id = deliveries.batch_id

)

select * from renamed
