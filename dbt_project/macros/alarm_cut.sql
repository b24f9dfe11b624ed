{#-
    From where on the alarms of which devices are told anew: a temporary table alarm_cut of device_id and begins_at, of one build. Hours
    that were written since, and cases that took a step, tell the devices; an event that had not ended by then is told from its first
    reading on. A device that the register judges otherwise, or knows no more, is told anew from the beginning. The rows from there on
    leave the fact, and the model brings them again.

    Steps of cases are numbered as they are written, but may commit after one that was numbered later: so many of the last are looked at.
-#}
{% macro cut_alarms() %}
    {%- if is_incremental() %}
    create temporary table alarm_cut on commit drop as
    with

    seen as (

        select coalesce(max(built_at), '-infinity') as moment from {{ this }}

    ),

    changed as (

        select
            hours.device_id,
            hours.hour
        from {{ ref("fct_sensor_hour") }} as hours
        where hours.built_at > (select seen.moment from seen)

        union all

        select
            limits.device_id,
            '-infinity' as hour
        from {{ ref("int_sensor__limit") }} as limits
        left join {{ ref("dim_device") }} as devices on limits.device_id = devices.device_id
        where limits.built_at > (select seen.moment from seen) or devices.device_id is null

        union all

        select
            filed.device_id,
            date_trunc('hour', filed.found_at) as hour
        from {{ ref("stg_ops__transition") }} as steps
        inner join {{ ref("stg_ops__case") }} as filed on steps.case_id = filed.case_id
        where
            filed.device_id is not null
            and steps.transition_id > (select coalesce(max(newest.transition_id), 0) - 100000 from {{ ref("stg_ops__transition") }} as newest)
            and steps.stepped_at > (select seen.moment - interval '1 day' from seen)

    ),

    firsts as (

        select
            device_id,
            min(hour) as hour
        from changed
        group by device_id

    )

    select
        firsts.device_id,
        least(min(firsts.hour), min(standing.started_at)) as begins_at
    from firsts
    left join {{ this }} as standing
        on
            firsts.device_id = standing.device_id
            and standing.is_event
            and coalesce(standing.ended_at, 'infinity') >= firsts.hour
    group by firsts.device_id;

    delete from {{ this }} as standing
    using alarm_cut
    where alarm_cut.device_id = standing.device_id and alarm_cut.begins_at <= standing.event_started_at;
    {%- endif %}
{% endmacro %}
