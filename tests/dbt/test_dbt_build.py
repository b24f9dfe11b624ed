"""One full build of the small city: figures worked out by hand from its rows."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, LOADED_LATER, MENGCHENG, QIAOCHENG, village_of

from citybrain.settings import Settings
from citybrain.warehouse.dbt_process import run_dbt
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type, return-value]  # literals of this file


def test_every_display_mart_is_published(built: TransformReport, transformer: psycopg.Connection) -> None:
    modelled = {
        node.name for node in built.per_node if node.kind == "model" and node.name.startswith("mart_")
    }
    assert set(built.published_marts) == modelled
    assert len(modelled) >= 10
    for mart in sorted(modelled):
        beside = rows(transformer, f"SELECT count(*) FROM marts_build.{mart}")
        assert rows(transformer, f"SELECT count(*) FROM marts.{mart}") == beside
        assert beside != [(0,)] or mart in LOADED_LATER, mart


def test_the_run_is_recorded_node_by_node(built: TransformReport, transformer: psycopg.Connection) -> None:
    recorded = rows(
        transformer,
        "SELECT r.outcome, r.models, r.tests, r.failures, count(n.node) FROM meta.transform_run r"
        " JOIN meta.transform_result n USING (transform_run_id) WHERE r.command = 'build' AND"
        " r.selection IS NULL"
        " GROUP BY r.transform_run_id ORDER BY r.transform_run_id LIMIT 1",
    )
    assert recorded == [("succeeded", built.models, built.tests, 0, len(built.per_node))]


def test_areas_of_every_level(transformer: psycopg.Connection) -> None:
    counted = rows(transformer, "SELECT area_level, count(*) FROM marts.dim_area GROUP BY 1 ORDER BY 2")
    assert counted == [("city", 1), ("county", 4), ("township", 96), ("village", 1360)]
    drawn = rows(
        transformer,
        "SELECT area_code FROM marts.dim_area WHERE geojson::jsonb ->> 'type' IN ('Polygon',"
        " 'MultiPolygon') ORDER BY 1",
    )
    assert drawn == [(QIAOCHENG,), (GUOYANG,), (MENGCHENG,), (LIXIN,)]


def test_the_calendar_knows_holidays_and_what_makes_up_for_them(transformer: psycopg.Connection) -> None:
    days = rows(
        transformer,
        "SELECT day, is_working_day, is_holiday, is_makeup_working_day, is_provisional FROM"
        " marts.dim_calendar"
        " WHERE day IN ('2026-02-14', '2026-02-17', '2026-11-21', '2026-11-23', '2029-05-01') ORDER BY 1",
    )
    assert days == [
        (date(2026, 2, 14), True, False, True, False),
        (date(2026, 2, 17), False, True, False, False),
        (date(2026, 11, 21), False, False, False, False),  # a Saturday
        (date(2026, 11, 23), True, False, False, False),
        (date(2029, 5, 1), True, False, False, True),  # not announced yet: the plain week
    ]


def test_size_bands_and_flags_of_the_firms(transformer: psycopg.Connection) -> None:
    bands = rows(
        transformer,
        "SELECT uscc, size_band, is_in_arrears, is_laying_off, is_losing_revenue, is_under_insured"
        " FROM marts.fct_enterprise_year WHERE fact_year = 2025 ORDER BY uscc",
    )
    assert bands == [
        ("91341602MA0000001X", "large", False, False, False, False),  # revenue fell by 25 %: below the limit
        ("91341602MA0000002X", "small", True, True, False, True),  # 90 staff: short of medium
        ("91341621MA0000004X", "medium", False, False, False, False),
        ("91341622MA0000005X", "undetermined", False, False, False, False),  # no revenue declared
        ("91341623MA0000007X", "not_applicable", False, False, False, False),  # a bank
        ("N2341623MA0000008X", "small", False, False, True, False),  # revenue fell by half
    ]


def test_the_attention_list_gives_its_reasons(transformer: psycopg.Connection) -> None:
    listed = rows(
        transformer,
        "SELECT uscc, county_code, risk_count, risk_level, risk_reasons FROM"
        " marts.mart_enterprise_attention ORDER BY 1",
    )
    assert listed == [
        ("91341602MA0000002X", QIAOCHENG, 3, "高", "社保欠缴 4 个月；裁员率 25.0%；参保率 44.4%"),
        ("N2341623MA0000008X", LIXIN, 1, "低", "营收下降 50.0%"),
    ]


def test_enterprises_of_each_county(transformer: psycopg.Connection) -> None:
    counted = rows(
        transformer,
        "SELECT county_code, entities, entities_new_12m, entities_closed_12m, entities_at_risk,"
        " entities_per_10k"
        " FROM marts.mart_enterprise_county ORDER BY 1",
    )
    per_10k = {code: entities for code, entities, *_ in counted}
    assert per_10k == {QIAOCHENG: 2, GUOYANG: 1, MENGCHENG: 2, LIXIN: 2}
    assert [row[2:5] for row in counted] == [(0, 1, 1), (0, 0, 0), (2, 0, 0), (0, 0, 1)]
    residents = dict(rows(transformer, "SELECT county_code, residents FROM marts.mart_enterprise_county"))
    for code, *_, rate in counted:
        assert rate == pytest.approx(Decimal(per_10k[code]) * 10_000 / residents[code], abs=Decimal("0.0001"))


def test_landscape_adds_up_to_the_register(transformer: psycopg.Connection) -> None:
    latest = rows(
        transformer,
        "SELECT sum(entities), sum(entities_new), sum(entities_closed) FROM marts.mart_enterprise_landscape"
        " WHERE is_latest_year",
    )
    assert latest == [
        (8, 2, 1)
    ]  # nine firms, one of them closed this year; the one without a village counts too
    facts = rows(
        transformer,
        "SELECT year, sum(entities_reporting), sum(revenue_wan) FROM marts.mart_enterprise_landscape"
        " WHERE is_latest_fact_year GROUP BY year",
    )
    # The firm founded in 2026 has a labour row of 2025: it did not stand then and is not counted.
    assert facts == [(2025, 5, Decimal("58800.0000"))]


def test_the_trend_ends_with_the_same_figures(transformer: psycopg.Connection) -> None:
    newest = rows(
        transformer,
        "SELECT sum(entities) FROM marts.mart_enterprise_trend"
        " WHERE month = (SELECT max(month) FROM marts.mart_enterprise_trend)",
    )
    assert newest == [(8,)]


def test_air_by_day(transformer: psycopg.Connection) -> None:
    days = rows(
        transformer,
        "SELECT station_code, day, hours_expected, hours_reported, is_valid_day, pm25_mean, aqi,"
        " main_pollutant,"
        " is_good_day FROM marts.mart_air_quality ORDER BY station_code, day",
    )
    # PM2.5 40: 50 + 5 * 50/40 = 56.25; PM10 80: 50 + 30 * 50/100 = 65. An hour is named after its end.
    full = (24, 24, True, Decimal("40.0000"), 65, "PM10", True)
    assert days == [
        ("2311A", date(2026, 11, 19), *full),
        ("2311A", date(2026, 11, 20), *full),
        ("2311A", date(2026, 11, 21), 8, 8, False, None, None, None, None),
        ("2312A", date(2026, 11, 19), *full),
        ("2312A", date(2026, 11, 20), *full),
        ("2312A", date(2026, 11, 21), 8, 3, False, None, None, None, None),
    ]


def test_air_now_and_who_needs_attention(transformer: psycopg.Connection) -> None:
    now = rows(
        transformer,
        "SELECT station_code, county_code, hours_behind, aqi, rank_in_city, hours_missing_24h, good_day_rate,"
        " attention_reason FROM marts.mart_air_quality_now ORDER BY 1",
    )
    assert now == [
        ("2311A", QIAOCHENG, 0, 65, 1, 0, Decimal("1.0000"), None),
        ("2312A", MENGCHENG, 5, 65, 1, 5, Decimal("1.0000"), "数据中断 5 小时"),
    ]
    missing = rows(transformer, "SELECT count(*) FROM marts.mart_air_quality_trend WHERE is_missing")
    assert missing == [(5,)]


def test_air_of_counties_without_a_station_is_empty_and_there(transformer: psycopg.Connection) -> None:
    counties = rows(
        transformer,
        "SELECT county_code, station_count, aqi_now, pm25_year_mean, rank_in_city, geojson IS NOT NULL"
        " FROM marts.mart_air_quality_county WHERE is_latest_year ORDER BY 1",
    )
    mean = Decimal("40.0000")
    assert counties == [
        (QIAOCHENG, 1, 65, mean, 1, True),
        (GUOYANG, 0, None, None, None, True),
        (MENGCHENG, 1, 65, mean, 1, True),
        (LIXIN, 0, None, None, None, True),
    ]


def test_freshness_of_datasets(transformer: psycopg.Connection) -> None:
    fresh = rows(
        transformer,
        "SELECT dataset, freshness, origin, rows_in, rows_loaded, rows_quarantined, quarantine_rate"
        " FROM marts.mart_data_freshness WHERE dataset IN ('enterprise_register', 'division_county')"
        " ORDER BY 1",
    )
    assert fresh[0] == ("division_county", "no_limit", "real", 4, 4, 0, Decimal(0))
    assert fresh[1][2:] == ("synthetic", 10, 9, 1, Decimal("0.1000"))
    assert rows(
        transformer, "SELECT count(*) FROM marts.mart_data_freshness WHERE dataset = 'usgs_stage'"
    ) == [(0,)]


def test_documentation_stands_beside_the_tables(transformer: psycopg.Connection) -> None:
    comments = rows(
        transformer,
        "SELECT obj_description('marts.mart_air_quality'::regclass),"
        " obj_description('marts.dim_area'::regclass),"
        " col_description('marts.mart_air_quality'::regclass, 1)",
    )
    assert str(comments[0][0]).startswith("One row per station and day")
    assert str(comments[0][1]).startswith("One row per city, county, township and village")
    assert comments[0][2] == "Station code"


def test_the_hard_logic_by_hand(city: Settings, built: TransformReport) -> None:
    """dbt's unit tests: air index, size bands, stays, limits and days of cases, sums and indices."""
    nodes: list[tuple[str, str]] = []
    ending = run_dbt(
        city, ["test", "--select", "test_type:unit"], lambda node: nodes.append((node.kind, node.name))
    )
    assert ending.errors == []
    assert sorted(nodes) == [
        ("unit_test", "a_day_of_a_truck"),
        ("unit_test", "a_place_hot_in_half_the_months_is_no_field"),
        ("unit_test", "a_project_stalls_past_the_days_of_its_stage"),
        ("unit_test", "alarm_ends_below_the_hysteresis"),
        ("unit_test", "an_area_has_a_version_for_each_time_it_changes"),
        ("unit_test", "base_of_a_herb_is_its_first_thirty_days"),
        ("unit_test", "days_against_their_band"),
        ("unit_test", "hourly_index_at_break_points"),
        ("unit_test", "limits_of_a_case"),
        ("unit_test", "market_index_is_weighted_by_turnover"),
        ("unit_test", "reach_at_its_limit"),
        ("unit_test", "size_bands_of_every_group"),
        ("unit_test", "stays_of_a_case"),
        ("unit_test", "sums_since_january_are_taken_apart"),
        ("unit_test", "time_gone_against_money_invested"),
        ("unit_test", "working_days_before_a_day"),
        ("unit_test", "working_days_of_a_record"),
    ]


def test_a_fact_nobody_knows_is_null_and_an_absence_is_known_only_from_a_list(
    transformer: psycopg.Connection,
) -> None:
    names = (
        "active", "industry", "size", "rd", "paid", "months", "dishonest", "high_tech", "times", "level",
        "project", "equipment", "picked",
    )  # fmt: skip
    found = rows(
        transformer,
        "SELECT is_active, industry_code, size_band, rd_expense_yuan, ui_paid_yuan, insured_months,"
        " is_dishonest, is_high_tech, high_tech_times, specialised_level, has_upgrade_project,"
        " upgrade_equipment_yuan, upgrade_is_selected FROM marts.mart_enterprise_facts"
        " WHERE uscc IN ('91341602MA0000001X', '91341602MA0000002X', '91341622MA0000005X') ORDER BY uscc",
    )
    known, listed, other = (dict(zip(names, row, strict=True)) for row in found)
    assert known == {
        "active": True, "industry": "C2730", "size": "large", "rd": Decimal(15_000_000),
        "paid": Decimal("600000.50"), "months": 12, "dishonest": False, "high_tech": True, "times": 2,
        "level": "province", "project": True, "equipment": Decimal(8_125_000), "picked": True,
    }  # fmt: skip
    assert (listed["dishonest"], listed["paid"], listed["months"]) == (True, None, 8)
    assert (listed["high_tech"], listed["times"], listed["level"]) == (False, None, "none")
    assert (other["paid"], other["months"], other["rd"], other["dishonest"]) == (None, None, None, False)
    assert (other["project"], other["equipment"], other["picked"]) == (False, None, None)


def test_who_is_not_on_the_list_of_an_indicator_has_none_of_it(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT exports_yuan, smart_factory_level, is_above_scale, above_scale_year,"
        " trained, has_skill_studio, indicators_as_of IS NOT NULL FROM marts.mart_enterprise_facts"
        " WHERE uscc IN ('91341602MA0000001X', '91341602MA0000002X', '91341622MA0000005X') ORDER BY uscc",
    )
    nobody_was_listed = (None, None)  # under the last two: then nothing is known of anybody
    assert found == [
        (Decimal("4500000.50"), "advanced", True, 2021, *nobody_was_listed, True),
        (None, "none", False, None, *nobody_was_listed, True),  # on the list, not settled yet
        (Decimal(0), "none", False, None, *nobody_was_listed, True),
    ]


def test_the_list_is_read_as_of_its_day(transformer: psycopg.Connection) -> None:
    query = "SELECT is_dishonest FROM marts.mart_enterprise_facts WHERE uscc = '91341621MA0000004X'"
    assert rows(transformer, query) == [(False,)]  # taken off in 2025


def test_the_patrol_may_read_the_cameras_it_looks_through(
    built: TransformReport, watcher: psycopg.Connection
) -> None:
    cameras = rows(
        watcher,
        "SELECT left(camera_id, 6), count(*), count(*) FILTER (WHERE enabled), bool_and(camera.county_code ="
        " left(camera.area_code, 6)) FROM marts.dim_camera AS camera"
        " JOIN marts.dim_compound USING (compound_id)"
        " GROUP BY 1 ORDER BY 1",
    )
    assert cameras == [
        (QIAOCHENG, 11, 11, True),
        (GUOYANG, 6, 6, True),
        (MENGCHENG, 7, 7, True),
        (LIXIN, 5, 4, True),
    ]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        watcher.execute("SELECT 1 FROM marts.dim_enterprise")


def test_a_camera_without_a_compound_stands_in_the_place_it_looks_at(
    built: TransformReport, watcher: psycopg.Connection
) -> None:
    cameras = rows(
        watcher,
        "SELECT camera_id, compound_id, area_code, county_code, enabled FROM marts.dim_camera"
        " WHERE camera_id LIKE '%F90_' ORDER BY 1",
    )
    assert cameras == [
        (f"{GUOYANG}F901", None, village_of(GUOYANG), GUOYANG, True),
        (f"{LIXIN}F902", None, None, LIXIN, True),  # outside every outline
        (f"{LIXIN}F903", None, None, LIXIN, True),
    ]
