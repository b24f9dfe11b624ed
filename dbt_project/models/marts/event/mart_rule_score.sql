{#- How well rules do where the truth is known: planted by the demo city, so all of it is synthetic. -#}
with

scores as (

    select * from {{ ref("stg_meta__rule_score") }}

),

scenarios as (

    select * from {{ ref("stg_meta__scenario") }}

),

final as (

    select
        scores.scenario,
        coalesce(scenarios.scenario_name, scores.scenario) as scenario_name,
        scenarios.domain_name,
        scores.scored_at,
        scores.scored_at = max(scores.scored_at) over (partition by scores.scenario) as is_latest,
        scores.planted,
        scores.found,
        scores.recall_share::numeric(6, 4) as recall_share,
        scores.told,
        scores.right_told,
        scores.precision_share::numeric(6, 4) as precision_share,
        'synthetic' as origin,
        {{ origin_label("'synthetic'") }} as origin_label,
        scores.scored_at as data_as_of
    from scores
    left join scenarios on scores.scenario = scenarios.scenario

)

select * from final
