{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="day",
        on_schema_change="fail",
        indexes=[{"columns": ["county_code", "day"], "unique": true}, {"columns": ["loaded_at"]}]
    )
}}
{#- By day means from 8 to 20 o'clock. A day some hour of which came is summed anew. -#}
with

hours as (

    {{ hours_of_changed_days("fct_parking_hour") }}

),

final as (

    select
        county_code,
        day,
        sum(free_berths)::numeric / nullif(sum(berths), 0) as free_berth_rate,
        sum(free_berths) filter (where hour_of_day between 8 and 19)::numeric
        / nullif(sum(berths) filter (where hour_of_day between 8 and 19), 0) as free_berth_rate_daytime,
        sum(entries)::integer as entries,
        max(loaded_at) as loaded_at
    from hours
    where county_code is not null
    group by county_code, day

)

select * from final
