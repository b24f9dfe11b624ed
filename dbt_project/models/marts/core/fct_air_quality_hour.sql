{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key=["station_code", "observed_at"],
        on_schema_change="fail",
        indexes=[
            {"columns": ["station_code", "observed_at"], "unique": true},
            {"columns": ["observed_at"]},
            {"columns": ["batch_id"]},
            {"columns": ["loaded_at"]}
        ]
    )
}}

{%- set pollutants = {
    "PM2.5": "iaqi_pm25", "PM10": "iaqi_pm10", "SO₂": "iaqi_so2", "NO₂": "iaqi_no2", "CO": "iaqi_co", "O₃": "iaqi_o3"
} %}

with

places as (

    select * from {{ ref("stg_meta__point_area") }}
    where dataset = 'air_quality_hour'

),

{%- if is_incremental() %}

-- stations that lie in another county now: their newest row tells
moved as (

    select places.point_code
    from places
    cross join
        lateral (
            select known.county_code
            from {{ this }} as known
            where known.station_code = places.point_code
            order by known.observed_at desc
            limit 1
        ) as newest
    where newest.county_code is distinct from places.county_code

),

{%- endif %}

hours as (

    {{
        newest_statements(
            "stg_ecology_environment__air_quality_hour", "air_quality_hour", ["station_code", "observed_at"],
            also="station_code in (select moved.point_code from moved)"
        )
    }}

),

delta as (

    select
        hours.*,
        places.county_code
    from hours
    left join places on hours.station_code = places.point_code

),

indexed as (

    select
        *,
        {{ iaqi("pm25", "pm25_24h") }} as iaqi_pm25,
        {{ iaqi("pm10", "pm10_24h") }} as iaqi_pm10,
        {{ iaqi("so2", "so2_1h") }} as iaqi_so2,
        {{ iaqi("no2", "no2_1h") }} as iaqi_no2,
        {{ iaqi("co", "co_1h") }} as iaqi_co,
        {{ iaqi("o3", "o3_1h") }} as iaqi_o3
    from delta

),

rated as (

    select
        *,
        greatest({{ pollutants.values() | join(", ") }}) as aqi,
        num_nonnulls({{ pollutants.values() | join(", ") }}) as pollutants_reported
    from indexed

),

final as (

    select
        station_code,
        station_name,
        city_name,
        county_code,
        observed_at,
        pm25::numeric(18, 4) as pm25,
        pm10::numeric(18, 4) as pm10,
        so2::numeric(18, 4) as so2,
        no2::numeric(18, 4) as no2,
        co::numeric(18, 4) as co,
        o3::numeric(18, 4) as o3,
        o3_8h::numeric(18, 4) as o3_8h,
        iaqi_pm25,
        iaqi_pm10,
        iaqi_so2,
        iaqi_no2,
        iaqi_co,
        iaqi_o3,
        aqi,
        {{ aqi_level("aqi") }} as aqi_level,
        {{ aqi_level_name("aqi") }} as aqi_level_name,
        {{ main_pollutants("aqi", pollutants) }} as main_pollutant,
        aqi_published::numeric(18, 4) as aqi_published,
        pollutants_reported,
        longitude,
        latitude,
        batch_id,
        line,
        object_key,
        loaded_at
    from rated

)

select * from final
