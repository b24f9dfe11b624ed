with

villages as (

    select * from {{ ref("dim_area") }}
    where area_level = 'village'

),

centres as (

    -- the division list has no positions: a village lies where its unit grids lie
    select
        village_code,
        avg(longitude) as longitude,
        avg(latitude) as latitude,
        max(loaded_at) as loaded_at
    from {{ ref("dim_grid") }}
    group by village_code

),

teams as (

    select * from {{ ref("stg_emergency_management__team") }}
    where longitude is not null and latitude is not null

),

stores as (

    select distinct on (store_code)
        store_code,
        store_name,
        longitude,
        latitude,
        loaded_at
    from {{ ref("stg_emergency_management__store_stock") }}
    where longitude is not null and latitude is not null
    order by store_code asc, item asc

),

team_distances as (

    select
        centres.village_code,
        teams.team_code,
        teams.team_name,
        teams.loaded_at,
        {{ haversine_km("centres.longitude", "centres.latitude", "teams.longitude", "teams.latitude") }} as km
    from centres
    cross join teams

),

store_distances as (

    select
        centres.village_code,
        stores.store_code,
        stores.store_name,
        stores.loaded_at,
        {{ haversine_km("centres.longitude", "centres.latitude", "stores.longitude", "stores.latitude") }} as km
    from centres
    cross join stores

),

nearest_teams as (

    select distinct on (village_code)
        *,
        {{ reach_minutes("km") }} as minutes
    from team_distances
    order by village_code asc, km asc, team_code asc

),

nearest_stores as (

    select distinct on (village_code)
        *,
        {{ reach_minutes("km") }} as minutes
    from store_distances
    order by village_code asc, km asc, store_code asc

),

final as (

    select
        villages.area_code as village_code,
        villages.name as village_name,
        villages.parent_code as township_code,
        villages.county_code,
        centres.longitude,
        centres.latitude,
        nearest_teams.team_code,
        nearest_teams.team_name,
        nearest_teams.km::numeric(18, 4) as team_km,
        nearest_teams.minutes::numeric(18, 4) as team_minutes,
        nearest_teams.minutes <= {{ var("reach_limit_minutes") }} as is_team_in_reach,
        nearest_stores.store_code,
        nearest_stores.store_name,
        nearest_stores.km::numeric(18, 4) as store_km,
        nearest_stores.minutes::numeric(18, 4) as store_minutes,
        nearest_stores.minutes <= {{ var("reach_limit_minutes") }} as is_store_in_reach,
        greatest(centres.loaded_at, nearest_teams.loaded_at, nearest_stores.loaded_at) as loaded_at
    from villages
    left join centres on villages.area_code = centres.village_code
    left join nearest_teams on villages.area_code = nearest_teams.village_code
    left join nearest_stores on villages.area_code = nearest_stores.village_code

)

select * from final
