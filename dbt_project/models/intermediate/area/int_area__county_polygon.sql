{#- PostgreSQL's own polygons: a point in motion finds its county without an extension. -#}
with

outlines as (

    select
        area_code,
        geojson::jsonb as geometry
    from {{ ref("stg_meta__area_outline") }}

),

parts as (

    select
        outlines.area_code,
        part.number,
        part.rings -> 0 as outer_ring
    from outlines
    cross join lateral jsonb_array_elements(
        case outlines.geometry ->> 'type'
            when 'Polygon' then jsonb_build_array(outlines.geometry -> 'coordinates')
            else outlines.geometry -> 'coordinates'
        end
    ) with ordinality as part (rings, number)

),

final as (

    select
        parts.area_code as county_code,
        parts.number::integer as part,
        (
            select '(' || string_agg(format('(%s,%s)', place.position ->> 0, place.position ->> 1), ',' order by place.number) || ')'
            from jsonb_array_elements(parts.outer_ring) with ordinality as place (position, number)
        )::polygon as outline
    from parts

)

select * from final
