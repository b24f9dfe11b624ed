{#- Written into its readers' statements, so that they ask raw for the batches they want and not for all. -#}
{{ config(materialized="ephemeral") }}

with

handed_over as (

    select
        device_id,
        metric,
        observed_at,
        value,
        quality,
        seq,
        batch_id
    from {{ ref("stg_data_resources__sensor_reading") }}

),

published as (

    select
        device_id,
        metric,
        observed_at,
        value,
        quality,
        seq,
        batch_id
    from {{ ref("stg_data_resources__sensor_reading_live") }}

),

final as (

    select * from handed_over

    union all

    select * from published

)

select * from final
