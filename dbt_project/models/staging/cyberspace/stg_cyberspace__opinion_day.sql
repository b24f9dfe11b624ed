with

source as (

    {{ newest_statement(["cyberspace", "public_opinion_day"], ["observed_on", "topic", "site_kind", "sentiment"]) }}

),

renamed as (

    select
        observed_on as day,
        topic,
        site_kind,
        sentiment,
        posts,
        reads,
        _loaded_at as loaded_at
    from source

)

select * from renamed
