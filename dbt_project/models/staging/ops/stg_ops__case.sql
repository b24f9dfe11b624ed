with

source as (

    -- not *: persons and what they wrote are for the desk alone
    select
        id,
        number,
        scenario,
        class_code,
        title,
        place_id,
        place_name,
        area_code,
        source_kind,
        source_id,
        state,
        lead_id,
        handler_id,
        urgent,
        found_at,
        filed_at,
        deadline_at,
        handled_at,
        closed_at,
        sightings,
        rework_count,
        exempt,
        origin
    from {{ source("ops", "event_case") }}

),

renamed as (

    select
        id as case_id,
        -- the desk's texts have a length, a fact's have none
        number::text as case_number,
        scenario::text as scenario,
        class_code::text as class_code,
        title::text as case_title,
        nullif(place_id, '')::text as place_id,
        nullif(place_name, '')::text as place_name,
        nullif(area_code, '')::text as area_code,
        nullif(substr(area_code, 1, 6), '') as county_code,
        source_kind::text as source_kind,
        case source_kind
            when 'video' then '视频巡查' when 'iot' then '物联感知' when 'gps' then '车辆定位' when 'satellite' then '卫星遥感'
            when 'data' then '数据比对' when 'citizen' then '市民上报' when 'hotline' then '12345热线' when 'collector' then '采集员上报'
        end as source_kind_label,
        -- of a report by a person it would name the person
        case when source_kind = 'iot' then source_id end as device_id,
        source_kind in ('video', 'iot', 'gps', 'satellite', 'data') as is_auto_collected,
        state::text as state,
        {{ case_state_label("state") }} as state_label,
        lead_id as lead_organisation_id,
        handler_id as handler_organisation_id,
        urgent as is_urgent,
        found_at,
        filed_at,
        deadline_at,
        handled_at,
        closed_at,
        sightings,
        rework_count,
        exempt as is_exempt,
        origin::text as origin
    from source

)

select * from renamed
