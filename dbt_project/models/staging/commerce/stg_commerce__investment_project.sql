with

source as (

    {{ newest_snapshot(["commerce", "investment_project"]) }}

),

renamed as (

    select
        project_code,
        project_name,
        county_code,
        -- the section letter follows from the division
        nullif(regexp_replace(industry_code, '^[A-Ta-t]', ''), '') as industry_code,
        source_place,
        agreed_wan,
        invested_wan,
        signed_on,
        landed_on,
        started_on,
        producing_on,
        case stage
            when '签约' then 'signed' when '落地' then 'landed' when '开工' then 'started' when '投产' then 'producing'
            when '终止' then 'ended'
        end as stage,
        stage as stage_label,
        last_progress_on,
        _logical_date as register_date,
        _loaded_at as loaded_at
    from source

)

select * from renamed
