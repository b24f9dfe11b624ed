{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="day",
        on_schema_change="fail",
        indexes=[{"columns": ["county_code", "day"], "unique": true}, {"columns": ["loaded_at"]}]
    )
}}
{#- Longer sections weigh more; the rush hours are those that begin at 7, 8, 17 and 18. A day some hour of which came is summed anew. -#}
with

hours as (

    {{ hours_of_changed_days("fct_traffic_hour") }}

),

final as (

    select
        county_code,
        day,
        sum(congestion_index * length_km) / nullif(sum(length_km), 0) as congestion_index,
        sum(congestion_index * length_km) filter (where hour_of_day in (7, 8, 17, 18))
        / nullif(sum(length_km) filter (where hour_of_day in (7, 8, 17, 18)), 0) as congestion_index_rush,
        max(loaded_at) as loaded_at
    from hours
    where county_code is not null
    group by county_code, day

)

select * from final
