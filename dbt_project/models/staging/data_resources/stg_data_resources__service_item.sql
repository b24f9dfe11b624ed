with

source as (

    {{ newest_snapshot(["data_resources", "gov_service_item"]) }}

),

renamed as (

    select
        item_code,
        item_name,
        department,
        item_kind,
        service_object,
        is_online = '是' as is_online,
        {{ online_level("online_level") }} as online_level,
        online_level as online_level_label,
        visits,
        legal_days,
        promised_days,
        _loaded_at as loaded_at
    from source

)

select * from renamed
