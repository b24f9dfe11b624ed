{#- Seats, pupils and teachers by school year, stage and the area whose children they are for. -#}
{% macro school_seats(years) %}
    select
        school_year,
        stage,
        county_code,
        -- senior secondary schools take pupils of the whole county, the others of their township
        case when stage = '高中' then county_code else township_code end as area_code,
        sum(seats)::integer as seats,
        sum(pupils)::integer as pupils,
        sum(teachers)::integer as teachers,
        count(*)::integer as schools,
        max(loaded_at) as loaded_at
    from {{ years }}
    group by school_year, stage, county_code, area_code
{% endmacro %}
