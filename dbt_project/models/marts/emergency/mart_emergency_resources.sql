with

teams as (

    select
        county_code,
        count(*)::integer as teams,
        sum(members)::integer as team_members,
        (count(*) filter (where is_on_call))::integer as teams_on_call,
        max(loaded_at) as loaded_at
    from {{ ref("stg_emergency_management__team") }}
    group by county_code

),

stores as (

    select
        county_code,
        count(distinct store_code)::integer as stores,
        count(*)::integer as stock_lines,
        (count(*) filter (where quantity < needed))::integer as stock_lines_short,
        avg(least(quantity::numeric / nullif(needed, 0), 1)) as stock_rate
    from {{ ref("stg_emergency_management__store_stock") }}
    group by county_code

),

shelters as (

    select
        county_code,
        count(*)::integer as shelters,
        sum(capacity)::integer as shelter_capacity
    from {{ ref("stg_emergency_management__shelter") }}
    group by county_code

),

reach as (

    select
        county_code,
        (count(team_minutes))::integer as villages_placed,
        (count(*) filter (where is_team_in_reach))::integer as villages_team_in_reach,
        (count(*) filter (where is_store_in_reach))::integer as villages_store_in_reach,
        avg(team_minutes) as mean_team_minutes
    from {{ ref("fct_village_reach") }}
    group by county_code

),

drills as (

    select
        county_code,
        count(*)::integer as drills_due,
        count(held_on)::integer as drills_held
    from {{ ref("stg_emergency_management__drill") }}
    where planned_on between {{ build_day() }} - 365 and {{ build_day() }}
    group by county_code

),

duties as (

    select
        county_code,
        count(*)::integer as duty_posts,
        (count(*) filter (where is_filled))::integer as duty_posts_filled
    from {{ ref("stg_emergency_management__duty") }}
    where duty_on between {{ build_day() }} - 29 and {{ build_day() }}
    group by county_code

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'emergency_team'

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(teams.teams, 0) as teams,
        coalesce(teams.team_members, 0) as team_members,
        coalesce(teams.teams_on_call, 0) as teams_on_call,
        coalesce(stores.stores, 0) as stores,
        coalesce(stores.stock_lines, 0) as stock_lines,
        coalesce(stores.stock_lines_short, 0) as stock_lines_short,
        stores.stock_rate::numeric(18, 4) as stock_rate,
        coalesce(shelters.shelters, 0) as shelters,
        coalesce(shelters.shelter_capacity, 0) as shelter_capacity,
        shelters.shelter_capacity * 1000::numeric / nullif(counties.residents, 0) as shelter_places_per_1000,
        coalesce(reach.villages_placed, 0) as villages_placed,
        coalesce(reach.villages_team_in_reach, 0) as villages_team_in_reach,
        coalesce(reach.villages_store_in_reach, 0) as villages_store_in_reach,
        reach.villages_team_in_reach::numeric / nullif(reach.villages_placed, 0) as team_reach_rate,
        reach.villages_store_in_reach::numeric / nullif(reach.villages_placed, 0) as store_reach_rate,
        reach.mean_team_minutes::numeric(18, 4) as mean_team_minutes,
        coalesce(drills.drills_due, 0) as drills_due,
        coalesce(drills.drills_held, 0) as drills_held,
        drills.drills_held::numeric / nullif(drills.drills_due, 0) as drill_rate,
        coalesce(duties.duty_posts, 0) as duty_posts,
        coalesce(duties.duty_posts_filled, 0) as duty_posts_filled,
        duties.duty_posts_filled::numeric / nullif(duties.duty_posts, 0) as duty_fill_rate,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        datasets.origin,
        datasets.origin_label,
        teams.loaded_at as data_as_of
    from counties
    cross join datasets
    left join teams on counties.area_code = teams.county_code
    left join stores on counties.area_code = stores.county_code
    left join shelters on counties.area_code = shelters.county_code
    left join reach on counties.area_code = reach.county_code
    left join drills on counties.area_code = drills.county_code
    left join duties on counties.area_code = duties.county_code

)

select * from final
