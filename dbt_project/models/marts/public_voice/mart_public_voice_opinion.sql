with

opinions as (

    select
        *,
        max(day) over () as newest_day
    from {{ ref("stg_cyberspace__opinion_day") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'public_opinion_day'

),

days as (

    select
        day,
        topic,
        site_kind,
        newest_day,
        sum(posts)::integer as posts,
        coalesce(sum(posts) filter (where sentiment = 'positive'), 0)::integer as posts_positive,
        coalesce(sum(posts) filter (where sentiment = 'negative'), 0)::integer as posts_negative,
        coalesce(sum(reads), 0)::bigint as reads
    from opinions
    where day > newest_day - 400
    group by day, topic, site_kind, newest_day

),

final as (

    select
        null::text as county_code,
        days.day,
        days.topic,
        days.site_kind,
        days.posts,
        days.posts_positive,
        days.posts_negative,
        days.reads,
        days.day > days.newest_day - 7 as is_this_week,
        days.day <= days.newest_day - 7 and days.day > days.newest_day - 14 as is_last_week,
        datasets.origin,
        {{ origin_label("datasets.origin") }} as origin_label,
        days.newest_day::timestamp at time zone 'Asia/Shanghai' as data_as_of
    from days
    cross join datasets

)

select * from final
