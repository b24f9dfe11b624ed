with

matches as (

    select * from {{ ref("fct_policy_match") }}

),

lines as (

    select * from {{ ref("int_policy__granted") }}

),

items as (

    select * from {{ ref("int_policy__item_now") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

registers as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

counted as (

    select
        coalesce(matches.item_id, lines.item_id) as item_id,
        coalesce(matches.county_code, lines.county_code) as county_code,
        (count(*) filter (where matches.status = 'eligible'))::integer as enterprises_found,
        (count(*) filter (where matches.status = 'needs_data'))::integer as enterprises_lacking_data,
        (count(*) filter (where matches.status = 'near'))::integer as enterprises_near,
        -- officers' lines count; what nobody has put on a list yet counts as the run proposed it
        sum(coalesce(lines.proposed_yuan, matches.proposed_yuan, 0))::numeric(18, 2) as proposed_yuan,
        sum(coalesce(lines.approved_yuan, 0))::numeric(18, 2) as approved_yuan,
        sum(coalesce(lines.paid_yuan, 0))::numeric(18, 2) as paid_yuan,
        greatest(max(matches.matched_at), max(lines.changed_at)) as data_as_of
    from matches
    full outer join lines on matches.item_id = lines.item_id and matches.uscc = lines.uscc
    group by coalesce(matches.item_id, lines.item_id), coalesce(matches.county_code, lines.county_code)

),

final as (

    select
        counted.item_id,
        items.item_title,
        items.department_name,
        counted.county_code,
        counties.name as county_name,
        counted.enterprises_found,
        counted.enterprises_lacking_data,
        counted.enterprises_near,
        counted.proposed_yuan,
        counted.approved_yuan,
        counted.paid_yuan,
        case when items.origin = 'real' then registers.origin else 'synthetic' end as origin,
        {{ origin_label("case when items.origin = 'real' then registers.origin else 'synthetic' end") }} as origin_label,
        counted.data_as_of
    from counted
    inner join items on counted.item_id = items.item_id
    cross join registers
    left join counties on counted.county_code = counties.area_code

)

select * from final
