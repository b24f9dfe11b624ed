with

enterprises as (

    select
        *,
        case
            when closed_on is not null then closed_on
            when status in ('注销', '吊销') then established_on
            else 'infinity'::date
        end as stood_until
    from {{ ref("dim_enterprise") }}
    where is_current and industry_code in ('2730', '2740') and county_code is not null

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'enterprise_register'

),

facts as (

    select distinct on (uscc) * from {{ ref("fct_enterprise_year") }}
    order by uscc asc, fact_year desc

),

listed as (

    -- what was made void counts for nothing
    select
        uscc,
        item_id,
        sum(proposed_yuan) as proposed_yuan,
        sum(approved_yuan) as approved_yuan,
        sum(paid_yuan) as paid_yuan
    from {{ ref("fct_grant_line") }}
    where line_state <> 'released'
    group by uscc, item_id

),

lines as (

    select
        uscc,
        sum(proposed_yuan) as proposed_yuan,
        sum(approved_yuan) as approved_yuan,
        sum(paid_yuan) as paid_yuan
    from listed
    group by uscc

),

matches as (

    -- what the newest matching proposes and no officer has put on a list yet
    select
        matches.uscc,
        sum(matches.proposed_yuan) as proposed_yuan,
        count(distinct matches.item_id) filter (where matches.status = 'eligible') as items_matched
    from {{ ref("fct_policy_match") }} as matches
    left join listed on matches.uscc = listed.uscc and matches.item_id = listed.item_id
    where listed.uscc is null
    group by matches.uscc

),

newest as (

    select max(register_date) as register_date from enterprises

),

classes as (

    select * from (values ('2730', '中药饮片加工'), ('2740', '中成药生产')) as listed (class_code, class_name)

),

counted as (

    select
        enterprises.county_code,
        enterprises.industry_code as class_code,
        (count(*) filter (where enterprises.stood_until > newest.register_date))::integer as enterprises,
        (count(*) filter (
            where enterprises.established_on > (newest.register_date - interval '12 months')::date
            and enterprises.established_on <= newest.register_date
        ))::integer as enterprises_new_12m,
        (count(*) filter (
            where enterprises.closed_on > (newest.register_date - interval '12 months')::date
            and enterprises.closed_on <= newest.register_date
        ))::integer as enterprises_closed_12m,
        sum(facts.revenue_wan) as revenue_wan,
        sum(facts.tax_paid_wan) as tax_paid_wan,
        sum(facts.rd_expense_wan) as rd_expense_wan,
        sum(facts.staff_count) as staff_count,
        (count(*) filter (where lines.paid_yuan > 0))::integer as enterprises_paid,
        (count(*) filter (where lines.proposed_yuan > 0 or matches.items_matched > 0))::integer as enterprises_matched,
        coalesce(sum(lines.proposed_yuan), 0) + coalesce(sum(matches.proposed_yuan), 0) as proposed_yuan,
        coalesce(sum(lines.approved_yuan), 0) as approved_yuan,
        coalesce(sum(lines.paid_yuan), 0) as paid_yuan,
        max(greatest(enterprises.loaded_at, facts.loaded_at)) as loaded_at
    from enterprises
    cross join newest
    left join facts on enterprises.uscc = facts.uscc
    left join lines on enterprises.uscc = lines.uscc
    left join matches on enterprises.uscc = matches.uscc
    group by enterprises.county_code, enterprises.industry_code

),

final as (

    select
        counties.area_code as county_code,
        counties.name as county_name,
        classes.class_code,
        classes.class_name,
        coalesce(counted.enterprises, 0) as enterprises,
        coalesce(counted.enterprises_new_12m, 0) as enterprises_new_12m,
        coalesce(counted.enterprises_closed_12m, 0) as enterprises_closed_12m,
        counted.revenue_wan::numeric(18, 2) as revenue_wan,
        counted.tax_paid_wan::numeric(18, 2) as tax_paid_wan,
        counted.rd_expense_wan::numeric(18, 2) as rd_expense_wan,
        counted.staff_count::bigint as staff_count,
        coalesce(counted.enterprises_matched, 0) as enterprises_matched,
        coalesce(counted.enterprises_paid, 0) as enterprises_paid,
        coalesce(counted.proposed_yuan, 0)::numeric(18, 2) as proposed_yuan,
        coalesce(counted.approved_yuan, 0)::numeric(18, 2) as approved_yuan,
        coalesce(counted.paid_yuan, 0)::numeric(18, 2) as paid_yuan,
        datasets.origin,
        datasets.origin_label,
        counted.loaded_at as data_as_of
    from counties
    cross join classes
    cross join datasets
    left join counted on counties.area_code = counted.county_code and classes.class_code = counted.class_code

)

select * from final
