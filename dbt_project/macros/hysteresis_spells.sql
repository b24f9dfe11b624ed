{#-
    Spells of an alarm with hysteresis: it begins with the first value at or above `threshold` and ends with the first value below
    `clear_below`; values between the two change nothing. Several readings that go up and down around a threshold are one spell.

    relation: one row per reading, of one moment per partition. partition: columns within which readings follow each other.
    Gives the partition's columns, started_at, ended_at (null while it stands), peak_value, peak_at (the first time it was reached),
    reading_count (readings while it stood) and last_observed_at (the last of them).
-#}
{% macro hysteresis_spells(relation, partition, moment, value, threshold, clear_below) %}
    {%- set keys = partition | join(", ") %}
    select
        {{ keys }},
        min({{ moment }}) filter (where stands = 1) as started_at,
        min({{ moment }}) filter (where stands = 0) as ended_at,
        max({{ value }}) filter (where stands = 1) as peak_value,
        (array_agg({{ moment }} order by {{ value }} desc, {{ moment }} asc) filter (where stands = 1))[1] as peak_at,
        (count(*) filter (where stands = 1))::integer as reading_count,
        max({{ moment }}) filter (where stands = 1) as last_observed_at
    from (
        select
            *,
            sum(begins) over (partition by {{ keys }} order by {{ moment }}) as spell
        from (
            select
                *,
                (stands = 1 and lag(stands, 1, 0) over (partition by {{ keys }} order by {{ moment }}) = 0)::integer as begins
            from (
                select
                    *,
                    -- the verdict carried on: each run holds one verdict, its first row's
                    coalesce(max(verdict) over (partition by {{ keys }}, run), 0) as stands
                from (
                    select
                        *,
                        count(verdict) over (partition by {{ keys }} order by {{ moment }}) as run
                    from (
                        select
                            *,
                            case when {{ value }} >= {{ threshold }} then 1 when {{ value }} < {{ clear_below }} then 0 end as verdict
                        from {{ relation }}
                    ) as judged
                ) as numbered
            ) as carried
        ) as edged
    ) as counted
    where spell > 0
    group by {{ keys }}, spell
{% endmacro %}
