{#- A herb needs attention when its index moved by more than herb_move_rate within 30 days, either way. -#}
with

herbs as (

    select * from {{ ref("int_herb__day") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'herb_market_price_day'

),

newest as (

    select distinct on (herb_code) *
    from herbs
    order by herb_code asc, day desc

),

ranges as (

    select
        herb_code,
        min(price_yuan_kg) as lowest_yuan_kg,
        max(price_yuan_kg) as highest_yuan_kg
    from herbs
    group by herb_code

),

judged as (

    select
        newest.*,
        ranges.lowest_yuan_kg,
        ranges.highest_yuan_kg,
        newest.price_index / nullif(week.price_index, 0) - 1 as change_7d_rate,
        newest.price_index / nullif(month.price_index, 0) - 1 as change_30d_rate,
        newest.price_index / nullif(year.price_index, 0) - 1 as change_year_rate
    from newest
    inner join ranges on newest.herb_code = ranges.herb_code
    left join herbs as week on newest.herb_code = week.herb_code and newest.day = week.day + 7
    left join herbs as month on newest.herb_code = month.herb_code and newest.day = month.day + 30
    left join herbs as year on newest.herb_code = year.herb_code and newest.day = (year.day + interval '1 year')::date

),

final as (

    select
        judged.herb_code,
        judged.herb_name,
        judged.is_local,
        judged.weight::numeric(18, 4) as weight,
        judged.day,
        null::text as county_code,
        judged.price_yuan_kg,
        judged.price_index::numeric(18, 2) as price_index,
        judged.change_7d_rate::numeric(18, 4) as change_7d_rate,
        judged.change_30d_rate::numeric(18, 4) as change_30d_rate,
        judged.change_year_rate::numeric(18, 4) as change_year_rate,
        judged.lowest_yuan_kg,
        judged.highest_yuan_kg,
        coalesce(abs(judged.change_30d_rate) >= {{ var("herb_move_rate") }}, false) as needs_attention,
        case
            when judged.change_30d_rate >= {{ var("herb_move_rate") }} then '近30天上涨 ' || round(100 * judged.change_30d_rate, 1) || '%'
            when judged.change_30d_rate <= -{{ var("herb_move_rate") }} then '近30天下跌 ' || round(-100 * judged.change_30d_rate, 1) || '%'
        end as attention_reason,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets

)

select * from final
