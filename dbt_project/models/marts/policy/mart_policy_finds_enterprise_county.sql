with

matches as (

    select * from {{ ref("fct_policy_match") }}

),

lines as (

    select * from {{ ref("fct_grant_line") }}

),

enterprises as (

    select * from {{ ref("dim_enterprise") }}
    where is_current and status = '存续'

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

registers as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

standing as (

    select
        county_code,
        count(*)::integer as enterprises
    from enterprises
    group by county_code

),

matched as (

    select
        county_code,
        (count(distinct uscc) filter (where status = 'eligible'))::integer as enterprises_found,
        (count(distinct uscc) filter (where status = 'needs_data'))::integer as enterprises_lacking_data,
        sum(proposed_yuan)::numeric(18, 2) as run_proposed_yuan,
        max(matched_at) as matched_at
    from matches
    group by county_code

),

granted as (

    select
        county_code,
        (count(distinct uscc) filter (where paid_yuan > 0))::integer as enterprises_served,
        sum(approved_yuan)::numeric(18, 2) as approved_yuan,
        sum(paid_yuan)::numeric(18, 2) as paid_yuan
    from lines
    group by county_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        coalesce(standing.enterprises, 0) as enterprises,
        coalesce(matched.enterprises_found, 0) as enterprises_found,
        coalesce(matched.enterprises_lacking_data, 0) as enterprises_lacking_data,
        coalesce(matched.enterprises_found, 0) * 1000.0 / nullif(standing.enterprises, 0) as found_per_1000,
        coalesce(granted.enterprises_served, 0) as enterprises_served,
        coalesce(matched.run_proposed_yuan, 0)::numeric(18, 2) as run_proposed_yuan,
        coalesce(granted.approved_yuan, 0)::numeric(18, 2) as approved_yuan,
        coalesce(granted.paid_yuan, 0)::numeric(18, 2) as paid_yuan,
        counties.centroid_longitude,
        counties.centroid_latitude,
        counties.geojson,
        registers.origin,
        registers.origin_label,
        matched.matched_at as data_as_of
    from counties
    cross join registers
    left join standing on counties.area_code = standing.county_code
    left join matched on counties.area_code = matched.county_code
    left join granted on counties.area_code = granted.county_code

)

select * from final
