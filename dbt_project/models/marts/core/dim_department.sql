{{ config(indexes=[{"columns": ["department"], "unique": true}]) }}

with

departments as (

    select * from {{ ref("stg_meta__department") }}

),

final as (

    select
        department,
        department_name
    from departments

)

select * from final
