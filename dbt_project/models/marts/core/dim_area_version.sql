with

statements as (

    select * from {{ ref("stg_civil_affairs__division_statement") }}

),

-- the days on which a register was delivered, in order
days as (

    select
        area_level,
        stated_on,
        row_number() over (partition by area_level order by stated_on) as number,
        lead(stated_on) over (partition by area_level order by stated_on) as next_on
    from (select distinct
        area_level,
        stated_on
    from statements) as stated

),

numbered as (

    select
        statements.*,
        days.number,
        days.next_on,
        lag(days.number) over of_area as number_before,
        lag(statements.name) over of_area as name_before,
        lag(statements.parent_code) over of_area as parent_before
    from statements
    inner join days on statements.area_level = days.area_level and statements.stated_on = days.stated_on
    window of_area as (partition by statements.area_level, statements.area_code order by days.number)

),

-- a version begins where the register before did not know the area, or knew it otherwise
grouped as (

    select
        *,
        count(*) filter (
            where number_before is distinct from number - 1 or name_before <> name or parent_before <> parent_code
        ) over (partition by area_level, area_code order by number) as version
    from numbered

),

spells as (

    select
        area_level,
        area_code,
        version,
        name,
        parent_code,
        -- what the first register says held since the edition of the codes
        case when min(number) = 1 then least(min(stated_on), '{{ var("division_edition") }}'::date) else min(stated_on) end
            as valid_from,
        -- the day of the first register that says otherwise
        (array_agg(next_on order by number desc))[1] as valid_to
    from grouped
    group by area_level, area_code, version, name, parent_code

),

final as (

    select
        area_code,
        version::integer as version,
        area_level,
        name,
        parent_code,
        substr(area_code, 1, 6) as county_code,
        valid_from,
        valid_to,
        valid_to is null as is_current
    from spells

)

select * from final
