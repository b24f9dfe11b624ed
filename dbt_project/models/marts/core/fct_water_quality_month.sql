{%- set pollutants = [
    "dissolved_oxygen", "permanganate_index", "cod", "bod5", "ammonia_nitrogen", "total_phosphorus", "fluoride"
] %}

with

sections as (

    select * from {{ ref("stg_ecology_environment__water_section") }}

),

limits as (

    select * from {{ ref("water_quality_limit") }}

),

counties as (

    select * from {{ ref("stg_civil_affairs__county") }}

),

measured as (

    select
        sections.*,
        figures.pollutant,
        figures.value,
        {{ water_class_rank("sections.target_class") }} as target_rank,
        {{ water_class_rank("sections.quality_class") }} as quality_rank
    from sections
    cross join lateral (
        values
        {%- for pollutant in pollutants %}
        ('{{ pollutant }}', sections.{{ pollutant }}){{ "," if not loop.last }}
        {%- endfor %}
    ) as figures (pollutant, value)

),

limited as (

    select
        measured.*,
        limits.pollutant_name,
        limits.at_least,
        case least(measured.target_rank, 5)
            when 1 then limits.class_1
            when 2 then limits.class_2
            when 3 then limits.class_3
            when 4 then limits.class_4
            else limits.class_5
        end as value_limit
    from measured
    inner join limits on measured.pollutant = limits.pollutant
    where measured.value is not null

),

final as (

    select
        limited.section_code,
        limited.section_name,
        limited.river,
        counties.area_code as county_code,
        limited.month,
        limited.target_class,
        limited.target_rank,
        limited.quality_class,
        limited.quality_rank,
        limited.pollutant,
        limited.pollutant_name,
        limited.value::numeric(18, 4) as value,
        limited.value_limit::numeric(18, 4) as value_limit,
        case when limited.at_least then limited.value < limited.value_limit else limited.value > limited.value_limit end as is_exceeding,
        case
            when not limited.at_least and limited.value > limited.value_limit
                then ((limited.value - limited.value_limit) / limited.value_limit)::numeric(18, 4)
        end as excess_times,
        limited.loaded_at
    from limited
    -- a section's code begins with the code of its county
    left join counties on substr(limited.section_code, 1, 6) = counties.area_code

)

select * from final
