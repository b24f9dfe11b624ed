{#-
    The rows of an hourly fact (hour_start, loaded_at, both indexed) with the city's `day` and `hour_of_day`: all, or for an incremental
    model of days those of days some of whose hours were loaded since its newest row. What came a day before is taken in again,
    because a batch may commit after one that was stamped later.
-#}
{% macro hours_of_changed_days(fact) %}
    select
        hours.*,
        (hours.hour_start at time zone 'Asia/Shanghai')::date as day,
        extract(hour from hours.hour_start at time zone 'Asia/Shanghai')::integer as hour_of_day
    {%- if is_incremental() %}
    from (
        select distinct (arrived.hour_start at time zone 'Asia/Shanghai')::date as day
        from {{ ref(fact) }} as arrived
        where arrived.loaded_at > (select coalesce(max(known.loaded_at), '-infinity') - interval '1 day' from {{ this }} as known)
    ) as changed
    cross join lateral (
        select every.*
        from {{ ref(fact) }} as every
        where
            every.hour_start >= changed.day::timestamp at time zone 'Asia/Shanghai'
            and every.hour_start < (changed.day + 1)::timestamp at time zone 'Asia/Shanghai'
        order by every.hour_start
    ) as hours
    {%- else %}
    from {{ ref(fact) }} as hours
    {%- endif %}
{% endmacro %}
