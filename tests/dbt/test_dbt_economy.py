"""Economy, population, projects, Chinese medicine: figures worked out by hand from the small city's rows."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type, return-value]  # literals of this file


def test_a_verified_figure_wins_and_the_first_release_stays(transformer: psycopg.Connection) -> None:
    shown = rows(
        transformer,
        "SELECT cumulative_value, first_value, revised_by, release_label FROM marts.mart_economic_operation"
        " WHERE area_code = '341600' AND indicator = 'gdp'",
    )
    assert shown == [(2020, 2000, 20, "最终核实")]
    kept = rows(
        transformer,
        "SELECT value FROM raw.economy_series WHERE area_code = '341600' AND indicator = 'gdp' ORDER BY 1",
    )
    assert kept == [(2000,), (2020,)]


def test_a_county_is_held_against_the_city(transformer: psycopg.Connection) -> None:
    march = rows(
        transformer,
        "SELECT area_code, is_current, period_value, growth_rate_before, city_share, gap_to_city_points,"
        " growth_rank, attention_reason FROM marts.mart_economic_operation"
        " WHERE period = '2026-03' ORDER BY area_code",
    )
    share = Decimal("0.5806")
    assert march == [
        ("341600", True, 110, Decimal("0.0500"), None, None, None, None),
        (QIAOCHENG, True, 60, Decimal("0.0600"), share, Decimal("0.70"), 1, None),
        (GUOYANG, True, 50, Decimal("0.0300"), 1 - share, Decimal("-3.00"), 2, "低于全市 3.0 个百分点"),
    ]


def test_product_per_resident(transformer: psycopg.Connection) -> None:
    years = rows(
        transformer,
        "SELECT area_code, residents, gdp_per_head_yuan FROM marts.mart_economic_operation_year"
        " WHERE area_code IN ('341600', '341602') ORDER BY 1",
    )
    assert years == [("341600", 4_950_000, Decimal("40808.08")), (QIAOCHENG, 1_510_000, Decimal("50000.00"))]


def test_residents_density_and_ageing(transformer: psycopg.Connection) -> None:
    counties = rows(
        transformer,
        "SELECT county_code, residents_change, urban_rate, density, natural_growth_permille, townships > 10,"
        " ageing_label, needs_attention FROM marts.mart_population_divisions WHERE is_latest_year ORDER BY 1",
    )
    assert counties == [
        (QIAOCHENG, 10_000, Decimal("0.4967"), 755, 5, True, "轻度老龄化", False),
        (GUOYANG, -10_000, Decimal("0.4000"), 590, 5, True, "轻度老龄化", False),
        (MENGCHENG, 0, Decimal("0.4000"), 500, 5, True, "轻度老龄化", False),
        (LIXIN, 0, Decimal("0.3800"), 585, 5, True, "中度老龄化", True),
    ]
    ages = rows(
        transformer,
        "SELECT sum(residents), count(*) FROM marts.mart_population_divisions_age WHERE is_latest_year",
    )
    assert ages == [(4_950_000, 16)]


def test_every_township_and_village_is_counted(transformer: psycopg.Connection) -> None:
    counted = rows(
        transformer,
        "SELECT count(*), sum(villages), count(DISTINCT county_code)"
        " FROM marts.mart_population_divisions_township",
    )
    assert counted == [(96, 1360, 4)]


def test_investment_projects_by_step(transformer: psycopg.Connection) -> None:
    stalled = rows(
        transformer,
        "SELECT project_code, stall_reason FROM marts.mart_investment_projects WHERE is_stalled",
    )
    assert stalled == [("ZS2", "落地后 679 天未开工")]
    months = rows(
        transformer,
        "SELECT month, signed, landed, started, signed_wan, major_invested_wan"
        " FROM marts.mart_investment_projects_month WHERE county_code = '341602'"
        " AND month IN ('2025-11-01', '2026-01-01', '2026-03-01', '2026-10-01') ORDER BY 1",
    )
    assert months == [
        (date(2025, 11, 1), 1, 0, 0, 30000, None),
        (date(2026, 1, 1), 0, 1, 0, 0, 200),
        (date(2026, 3, 1), 0, 0, 1, 0, 200),
        (date(2026, 10, 1), 1, 0, 0, 10000, None),
    ]


def test_major_projects_that_lag_are_silent_or_lack_a_permit(transformer: psycopg.Connection) -> None:
    majors = rows(
        transformer,
        "SELECT project_code, lag_points, months_without_progress, next_milestone, milestones_late,"
        " attention_reason FROM marts.mart_investment_projects_major ORDER BY 1",
    )
    lag = Decimal("39.80")  # 273 of 304 days, half of the money
    assert majors == [
        ("ZD1", lag, 4, "主体完工", 1, "投资进度落后 39.8 个百分点；连续 4 期无进展"),
        ("ZD2", Decimal("-0.20"), 0, "竣工验收", 0, "缺有效规划许可"),
        ("ZD3", Decimal("-0.20"), 0, None, 0, None),
    ]
    listed = rows(
        transformer,
        "SELECT project_kind, project_code, reason_count FROM marts.mart_investment_projects_attention"
        " ORDER BY project_code",
    )
    assert listed == [("重点项目", "ZD1", 2), ("重点项目", "ZD2", 1), ("招商项目", "ZS2", 1)]


def test_herb_index_and_the_herb_that_jumped(transformer: psycopg.Connection) -> None:
    ends = rows(
        transformer,
        "SELECT is_latest_day, market_index, change_30d_rate FROM marts.mart_tcm_industry_index"
        " WHERE day IN ('2026-10-11', '2026-11-19') ORDER BY day",
    )
    # 0.09 x 130 + 0.07 x 100 over 0.16
    assert ends == [(False, 100, None), (True, Decimal("116.88"), Decimal("0.1688"))]
    herbs = rows(
        transformer,
        "SELECT herb_name, price_yuan_kg, price_index, needs_attention, attention_reason"
        " FROM marts.mart_tcm_industry_herb ORDER BY herb_code",
    )
    assert herbs == [("白芍", 26, 130, True, "近30天上涨 30.0%"), ("菊花", 34, 100, False, None)]


def test_makers_their_output_and_the_policy_money(transformer: psycopg.Connection) -> None:
    output = rows(
        transformer,
        "SELECT class_name, output_growth_rate FROM marts.mart_tcm_industry"
        " WHERE county_code = '341602' AND is_latest_month ORDER BY class_code",
    )
    assert output == [("中药饮片加工", Decimal("0.1000")), ("中成药生产", None)]
    makers = rows(
        transformer,
        "SELECT sum(enterprises), sum(revenue_wan), count(*) FROM marts.mart_tcm_industry_enterprise",
    )
    assert makers == [(1, 45000, 8)]
    money = rows(
        transformer,
        "SELECT m.proposed_yuan, m.approved_yuan, m.paid_yuan, p.proposed_yuan, p.approved_yuan, p.paid_yuan"
        " FROM marts.mart_tcm_industry_enterprise AS m,"
        " (SELECT sum(proposed_yuan) AS proposed_yuan, sum(approved_yuan) AS approved_yuan,"
        " sum(paid_yuan) AS paid_yuan FROM marts.mart_policy_finds_enterprise"
        " WHERE uscc = '91341602MA0000001X') AS p"
        " WHERE m.county_code = '341602' AND m.class_code = '2730'",
    )
    ((*mine, proposed, approved, paid),) = money
    assert mine == [proposed, approved, paid]
    assert proposed > 0


def test_planting_of_a_township(transformer: psycopg.Connection) -> None:
    planted = rows(
        transformer,
        "SELECT herb_name, planted_mu, planted_mu_year_before FROM marts.mart_tcm_industry_planting"
        " WHERE is_latest_year ORDER BY herb_code",
    )
    assert planted == [("白芍", 1100, 1000), ("菊花", 400, None)]


def test_classes_add_up_to_the_entities(transformer: psycopg.Connection) -> None:
    classes = rows(transformer, "SELECT sum(entities) FROM marts.mart_enterprise_landscape_class")
    counted = rows(
        transformer, "SELECT sum(entities) FROM marts.mart_enterprise_landscape WHERE is_latest_year"
    )
    assert classes == counted
    assert rows(
        transformer,
        "SELECT class_label, entities FROM marts.mart_enterprise_landscape_class WHERE class_code = '2730'",
    ) == [("C2730 医药制造业", 1)]
