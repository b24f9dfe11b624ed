{#- Calls about one matter at one time count once: ten neighbours without water are one matter, five weeks of stalls are five. -#}
with

tickets as (

    select
        *,
        max(received_at) over () as data_as_of
    from {{ ref("fct_hotline_ticket") }}

),

areas as (

    select * from {{ ref("dim_area") }}

),

datasets as (

    select * from {{ ref("stg_meta__dataset") }}
    where dataset = 'hotline_ticket'

),

placed as (

    select
        area_code,
        coalesce(place_name, '未指明具体位置') as place_name,
        ticket_no,
        group_ticket_no,
        received_at,
        demand_class_name,
        matter_name,
        department_name,
        is_replied,
        is_solved,
        summary,
        data_as_of,
        received_at > data_as_of - interval '30 days' as is_recent
    from tickets
    where
        area_code is not null
        and received_at > data_as_of - interval '{{ var("hotline_repeat_days") }} days'

),

places as (

    select
        area_code,
        place_name,
        count(*)::integer as tickets,
        count(distinct group_ticket_no)::integer as matters,
        (count(*) filter (where is_recent))::integer as tickets_30d,
        mode() within group (order by demand_class_name) as main_class_name,
        mode() within group (order by matter_name) as main_matter_name,
        mode() within group (order by department_name) as main_department_name,
        (count(*) filter (where not is_replied))::integer as tickets_open,
        (count(*) filter (where is_replied and not is_solved))::integer as tickets_unsolved,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        (array_agg(summary order by received_at desc, ticket_no desc))[1] as last_summary,
        max(data_as_of) as data_as_of
    from placed
    group by area_code, place_name
    having count(distinct group_ticket_no) >= 2

),

final as (

    select
        places.area_code,
        villages.name as area_name,
        townships.name as township_name,
        villages.county_code,
        counties.name as county_name,
        places.place_name,
        places.tickets,
        places.matters,
        places.tickets_30d,
        places.main_class_name,
        places.main_matter_name,
        places.main_department_name,
        places.tickets_open,
        places.tickets_unsolved,
        places.first_received_at,
        places.last_received_at,
        places.last_summary,
        places.matters >= {{ var("hotline_repeat_matters") }} as needs_attention,
        datasets.origin,
        {{ origin_label("datasets.origin") }} as origin_label,
        places.data_as_of
    from places
    cross join datasets
    inner join areas as villages on places.area_code = villages.area_code
    left join areas as townships on villages.parent_code = townships.area_code
    left join areas as counties on villages.county_code = counties.area_code

)

select * from final
