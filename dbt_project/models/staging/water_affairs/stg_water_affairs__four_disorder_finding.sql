with

source as (

    {{ newest_snapshot(["water_affairs", "four_disorder_finding"]) }}

),

renamed as (

    select
        finding_code,
        county_code,
        river,
        disorder,
        found_by,
        found_by in ('卫星遥感', '视频监控') as is_found_by_machine,
        area_m2,
        found_on,
        confirmed = '属实' as is_confirmed,
        confirmed_on,
        cleared_on,
        _loaded_at as loaded_at
    from source

)

select * from renamed
