{#-
    Cases that took a step since an incremental model saw them. Steps are numbered as they are written and never change, but a step may
    commit after one that was numbered later: so many numbers are looked at again. A batch of the past draws fewer at once.
-#}
{% macro changed_cases(seen) -%}
    select distinct steps.case_id
    from {{ ref("stg_ops__transition") }} as steps
    where
        steps.transition_id > (select coalesce(max(known.newest_transition_id), 0) - 100000 from {{ seen }} as known)
        and not exists (
            select 1
            from {{ seen }} as known
            where known.case_id = steps.case_id and known.newest_transition_id >= steps.transition_id
        )
{%- endmacro %}
