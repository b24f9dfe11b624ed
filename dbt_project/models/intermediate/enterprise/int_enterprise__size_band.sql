{#-
    国统字〔2017〕213号: large, medium and small must reach the lower limit of every indicator their group uses; what reaches none of the
    three is micro. A missing indicator leaves the band undetermined, never micro.
-#}
with

years as (

    select * from {{ ref("int_enterprise__year") }}

),

groups_of_industry as (

    select * from {{ ref("size_group_of_industry") }}

),

limits as (

    select
        size_group,
        {%- for indicator in ["staff", "revenue", "assets"] %}
        max(large) filter (where indicator = '{{ indicator }}') as {{ indicator }}_large,
        max(medium) filter (where indicator = '{{ indicator }}') as {{ indicator }}_medium,
        max(small) filter (where indicator = '{{ indicator }}') as {{ indicator }}_small,
        {%- endfor %}
        max(size_group_name) as size_group_name
    from {{ ref("enterprise_size_limit") }}
    group by size_group

),

grouped as (

    select
        years.uscc,
        years.fact_year,
        years.industry_code,
        years.staff_count,
        years.revenue_wan,
        years.assets_wan,
        coalesce(by_three.size_group, by_two.size_group) as size_group
    from years
    left join groups_of_industry as by_three on substr(years.industry_code, 1, 3) = by_three.code_prefix
    left join groups_of_industry as by_two on substr(years.industry_code, 1, 2) = by_two.code_prefix

),

banded as (

    select
        grouped.*,
        limits.size_group_name,
        case
            when grouped.industry_code is null then 'undetermined'
            when limits.size_group is null then 'not_applicable'
            when
                (limits.staff_small is not null and grouped.staff_count is null)
                or (limits.revenue_small is not null and grouped.revenue_wan is null)
                or (limits.assets_small is not null and grouped.assets_wan is null)
                then 'undetermined'
            {%- for band in ["large", "medium", "small"] %}
            when
                (limits.staff_{{ band }} is null or grouped.staff_count >= limits.staff_{{ band }})
                and (limits.revenue_{{ band }} is null or grouped.revenue_wan >= limits.revenue_{{ band }})
                and (limits.assets_{{ band }} is null or grouped.assets_wan >= limits.assets_{{ band }})
                then '{{ band }}'
            {%- endfor %}
            else 'micro'
        end as size_band,
        limits.staff_small is not null as uses_staff,
        limits.revenue_small is not null as uses_revenue,
        limits.assets_small is not null as uses_assets
    from grouped
    left join limits on grouped.size_group = limits.size_group

),

final as (

    select
        uscc,
        fact_year,
        size_group,
        size_band,
        {{ size_band_label("size_band") }} as size_band_label,
        -- the industry group taken and the figures compared, so that a band can be explained to who doubts it
        case
            when size_group is not null then concat_ws(
                '；', size_group_name,
                case when uses_staff then '从业人员 ' || coalesce(staff_count::text, '缺') end,
                case when uses_revenue then '营业收入 ' || coalesce(revenue_wan::text, '缺') || ' 万元' end,
                case when uses_assets then '资产总额 ' || coalesce(assets_wan::text, '缺') || ' 万元' end
            )
        end as size_basis
    from banded

)

select * from final
