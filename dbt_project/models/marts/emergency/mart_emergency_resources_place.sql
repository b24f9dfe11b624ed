with

teams as (

    select * from {{ ref("stg_emergency_management__team") }}

),

stock as (

    select * from {{ ref("stg_emergency_management__store_stock") }}

),

shelters as (

    select * from {{ ref("stg_emergency_management__shelter") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'emergency_team'

),

places as (

    select
        'team' as place_kind,
        '救援队伍' as place_kind_label,
        team_code as place_code,
        team_name as place_name,
        team_kind as kind,
        county_code,
        area_code,
        longitude,
        latitude,
        members as size,
        '人' as size_unit,
        case when not is_on_call then '非24小时值守' end as attention_reason,
        loaded_at
    from teams

    union all

    select
        'store' as place_kind,
        '物资仓库' as place_kind_label,
        store_code as place_code,
        max(store_name) as place_name,
        '综合储备' as kind,
        max(county_code) as county_code,
        max(area_code) as area_code,
        max(longitude) as longitude,
        max(latitude) as latitude,
        count(*)::integer as size,
        '种' as size_unit,
        string_agg(item, '、' order by item) filter (where quantity < needed * 0.5) || '不足定额一半' as attention_reason,
        max(loaded_at) as loaded_at
    from stock
    group by store_code

    union all

    select
        'shelter' as place_kind,
        '避难场所' as place_kind_label,
        shelter_code as place_code,
        shelter_name as place_name,
        shelter_kind as kind,
        county_code,
        area_code,
        longitude,
        latitude,
        capacity as size,
        '人' as size_unit,
        null as attention_reason,
        loaded_at
    from shelters

),

final as (

    select
        places.place_kind,
        places.place_kind_label,
        places.place_code,
        places.place_name,
        places.kind,
        places.county_code,
        counties.name as county_name,
        places.area_code,
        places.longitude,
        places.latitude,
        places.size,
        places.size_unit,
        places.attention_reason is not null as needs_attention,
        places.attention_reason,
        datasets.origin,
        datasets.origin_label,
        places.loaded_at as data_as_of
    from places
    cross join datasets
    inner join counties on places.county_code = counties.area_code

)

select * from final
