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

{%- if is_incremental() %}

-- what stands already, to the letter
known as (

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
    from {{ this }}

),

judged_otherwise as (

    select * from devices

    except

    select * from known

),

{%- else %}

judged_otherwise as (

    select * from devices

),

{%- endif %}

final as (

    select
        *,
        {{ built_at() }} as built_at
    from judged_otherwise

)

select * from final
