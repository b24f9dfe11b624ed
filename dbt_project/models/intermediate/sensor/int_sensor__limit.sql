{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key="device_id",
        on_schema_change="fail",
        indexes=[{"columns": ["device_id"], "unique": true}, {"columns": ["built_at"]}]
    )
}}
{#- By what a device's readings are judged, and since which build: a register that says the same again changes nothing. -#}
with

devices as (

    select
        device_id,
        metric,
        device_kind,
        device_kind_label,
        county_code,
        level_1,
        level_2,
        level_3,
        hysteresis
    from {{ ref("dim_device") }}

),

final as (

    select
        devices.*,
        {{ built_at() }} as built_at
    from devices
    {%- if is_incremental() %}
    left join {{ this }} as known on devices.device_id = known.device_id
    where
        (
            known.device_id,
            known.metric,
            known.device_kind,
            known.device_kind_label,
            known.county_code,
            known.level_1,
            known.level_2,
            known.level_3,
            known.hysteresis
        )
        is distinct from (
            devices.device_id,
            devices.metric,
            devices.device_kind,
            devices.device_kind_label,
            devices.county_code,
            devices.level_1,
            devices.level_2,
            devices.level_3,
            devices.hysteresis
        )
    {%- endif %}

)

select * from final
