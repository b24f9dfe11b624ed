with

components as (

    select * from {{ ref("fct_municipal_component") }}

),

grids as (

    select * from {{ ref("dim_grid") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'municipal_component'

),

counted as (

    select
        grid_code,
        count(*)::integer as components,
        (count(*) filter (where state = 'damaged'))::integer as damaged,
        (count(*) filter (where state = 'lost'))::integer as lost,
        (count(*) filter (where is_safety_critical and state <> 'intact'))::integer as critical_in_need,
        (count(*) filter (where has_sensor and not is_online))::integer as sensors_offline,
        max(days_in_need) as longest_days_in_need,
        max(loaded_at) as loaded_at
    from components
    group by grid_code

),

judged as (

    select
        counted.*,
        nullif(concat_ws(
            '；',
            case when counted.critical_in_need > 0 then '涉及安全的部件破损或丢失 ' || counted.critical_in_need || ' 件' end,
            case when counted.lost >= 2 then '丢失 ' || counted.lost || ' 件' end,
            case when counted.longest_days_in_need > 60 then '最长 ' || counted.longest_days_in_need || ' 天未修复' end
        ), '') as attention_reason
    from counted

),

final as (

    select
        judged.grid_code,
        grids.grid_name,
        grids.grid_kind,
        grids.village_code,
        grids.village_name,
        grids.county_code,
        counties.name as county_name,
        grids.worker_team,
        judged.components,
        judged.damaged,
        judged.lost,
        judged.critical_in_need,
        judged.sensors_offline,
        judged.longest_days_in_need,
        judged.attention_reason is not null as needs_attention,
        judged.attention_reason,
        grids.longitude,
        grids.latitude,
        datasets.origin,
        datasets.origin_label,
        judged.loaded_at as data_as_of
    from judged
    cross join datasets
    inner join grids on judged.grid_code = grids.grid_code
    inner join counties on grids.county_code = counties.area_code

)

select * from final
