{#- A project stalls when it has stood in its stage for longer than the stage's limit (vars stall_days_*) without getting on. -#}
{{ config(indexes=[{"columns": ["project_code"], "unique": true}]) }}

with

projects as (

    select * from {{ ref("stg_commerce__investment_project") }}

),

counties as (

    select * from {{ ref("dim_area") }}
    where area_level = 'county'

),

divisions as (

    select * from {{ ref("industry_division") }}

),

aged as (

    select
        *,
        register_date - case stage
            when 'signed' then signed_on
            when 'landed' then landed_on
            -- building goes on by itself: it is the last progress that counts
            when 'started' then greatest(started_on, last_progress_on)
        end as days_waiting,
        case stage
            when 'signed' then {{ var("stall_days_signed") }}
            when 'landed' then {{ var("stall_days_landed") }}
            when 'started' then {{ var("stall_days_started") }}
        end as days_allowed
    from projects

),

final as (

    select
        aged.project_code,
        aged.project_name,
        counties.area_code as county_code,
        counties.name as county_name,
        aged.industry_code,
        coalesce(divisions.division_name, '未分类') as division_name,
        aged.source_place,
        aged.agreed_wan::numeric(18, 2) as agreed_wan,
        aged.invested_wan::numeric(18, 2) as invested_wan,
        aged.signed_on,
        aged.landed_on,
        aged.started_on,
        aged.producing_on,
        aged.last_progress_on,
        aged.stage,
        aged.stage_label,
        aged.landed_on is not null as is_landed,
        aged.started_on is not null as is_started,
        aged.producing_on is not null as is_producing,
        aged.days_waiting,
        coalesce(aged.days_waiting > aged.days_allowed, false) as is_stalled,
        case
            when aged.days_waiting > aged.days_allowed
                then case aged.stage
                    when 'signed' then '签约后 ' || aged.days_waiting || ' 天未落地'
                    when 'landed' then '落地后 ' || aged.days_waiting || ' 天未开工'
                    else '开工后 ' || aged.days_waiting || ' 天无进展'
                end
        end as stall_reason,
        aged.register_date,
        aged.loaded_at
    from aged
    left join counties on aged.county_code = counties.area_code
    left join divisions on substr(aged.industry_code, 1, 2) = divisions.division_code

)

select * from final
