{#- The market's index: herbs' indices weighted by their share of the turnover, over the herbs quoted on the day. -#}
with

herbs as (

    select
        *,
        lag(price_index) over (partition by herb_code order by day) as index_before
    from {{ ref("int_herb__day") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'herb_market_price_day'

),

days as (

    select
        day,
        sum(weight * price_index) / nullif(sum(weight), 0) as market_index,
        sum(weight * price_index) filter (where is_local) / nullif(sum(weight) filter (where is_local), 0) as local_index,
        count(*)::integer as herbs_quoted,
        (count(*) filter (where price_index > index_before))::integer as herbs_rising,
        (count(*) filter (where price_index < index_before))::integer as herbs_falling,
        sum(traded_tonnes) as traded_tonnes,
        max(loaded_at) as loaded_at
    from herbs
    group by day

),

final as (

    select
        days.day,
        days.day = max(days.day) over () as is_latest_day,
        null::text as county_code,
        days.market_index::numeric(18, 2) as market_index,
        days.local_index::numeric(18, 2) as local_index,
        (days.market_index / nullif(week.market_index, 0) - 1)::numeric(18, 4) as change_7d_rate,
        (days.market_index / nullif(month.market_index, 0) - 1)::numeric(18, 4) as change_30d_rate,
        (days.market_index / nullif(year.market_index, 0) - 1)::numeric(18, 4) as change_year_rate,
        days.herbs_quoted,
        days.herbs_rising,
        days.herbs_falling,
        days.traded_tonnes::numeric(18, 2) as traded_tonnes,
        datasets.origin,
        datasets.origin_label,
        days.loaded_at as data_as_of
    from days
    cross join datasets
    left join days as week on days.day = week.day + 7
    left join days as month on days.day = month.day + 30
    left join days as year on days.day = (year.day + interval '1 year')::date

)

select * from final
