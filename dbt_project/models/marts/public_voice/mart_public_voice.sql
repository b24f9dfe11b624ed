{#- An answer is due when the days for it are over; one that came earlier counts as due, too. -#}
with

tickets as (

    select
        *,
        max(received_at) over () as data_as_of
    from {{ ref("fct_hotline_ticket") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'hotline_ticket'

),

judged as (

    select
        *,
        is_replied or received_at < data_as_of - interval '{{ var("hotline_reply_days") }} days' as is_due,
        hours_to_reply <= 24 * {{ var("hotline_reply_days") }} as is_in_time
    from tickets
    where received_at > data_as_of - interval '400 days'

),

final as (

    select
        judged.county_code,
        coalesce(counties.name, '未识别') as county_name,
        judged.received_on as day,
        judged.demand_class_name,
        judged.department_name,
        count(*)::integer as tickets,
        (count(*) filter (where not judged.is_duplicate))::integer as matters,
        (count(*) filter (where judged.is_due))::integer as tickets_due,
        (count(*) filter (where judged.is_in_time))::integer as tickets_in_time,
        (count(*) filter (where judged.is_replied))::integer as tickets_replied,
        (count(*) filter (where judged.is_solved))::integer as tickets_solved,
        count(judged.satisfaction)::integer as tickets_rated,
        (count(*) filter (where judged.satisfaction >= 4))::integer as tickets_satisfied,
        sum(judged.hours_to_reply)::numeric(18, 4) as hours_to_reply,
        datasets.origin,
        {{ origin_label("datasets.origin") }} as origin_label,
        max(judged.data_as_of) as data_as_of
    from judged
    cross join datasets
    left join counties on judged.county_code = counties.area_code
    group by
        judged.county_code,
        counties.name,
        judged.received_on,
        judged.demand_class_name,
        judged.department_name,
        datasets.origin

)

select * from final
