"""Devices, alarms and rivers of the small city: figures worked out by hand from `sensor_city.py`."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from dbt_city import LIXIN, MENGCHENG, QIAOCHENG
from sensor_city import BRIDGE, GAS, GAS_SILENT, GAS_UNREAD, METER, NEWEST, POINT

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    return connection.execute(query, values or None).fetchall()  # type: ignore[arg-type]  # literals of this file


def test_devices_take_the_names_of_their_places(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT device_id, place_name, county_code, is_in_service FROM marts.dim_device ORDER BY 1",
    )
    assert (POINT, "某易涝点", LIXIN, True) in found
    assert (GAS_UNREAD, "位置003", QIAOCHENG, False) in found
    assert len(found) == 7


def test_a_day_handed_over_counts_once(transformer: psycopg.Connection) -> None:
    """The 19th was handed over and has raw readings from 09:00 on: it counts as handed over."""
    days = rows(
        transformer,
        "SELECT day, value_mean, value_max, reading_count, is_delivered FROM marts.fct_sensor_day"
        " WHERE device_id = %s AND day >= '2026-11-18' ORDER BY day",
        GAS,
    )
    assert days == [
        (date(2026, 11, 18), Decimal("1.2500"), Decimal("2.2500"), 24, True),
        (date(2026, 11, 19), Decimal("1.2500"), Decimal("2.2500"), 24, True),
        (
            date(2026, 11, 20),
            Decimal("5.0625"),
            Decimal("30.0000"),
            24,
            False,
        ),  # three hours of 30, 21 of 1.5
        (date(2026, 11, 21), Decimal("3.8333"), Decimal("12.0000"), 9, False),
    ]
    bridge = rows(
        transformer,
        "SELECT day, reading_count FROM marts.fct_sensor_day WHERE device_id = %s ORDER BY day",
        BRIDGE,
    )
    assert [count for _, count in bridge] == [15, 24, 9]


def test_hours_hold_every_reading(transformer: psycopg.Connection) -> None:
    (counts,) = rows(
        transformer,
        "SELECT (SELECT sum(reading_count) FROM marts.fct_sensor_hour), count(*),"
        " (SELECT sum(value_sum) FROM marts.fct_sensor_hour), sum(value) FROM marts.fct_sensor_reading",
    )
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


def test_alarms_with_their_response(transformer: psycopg.Connection) -> None:
    alarms = rows(
        transformer,
        "SELECT device_id, level, started_at, ended_at, peak_value, gravest_level, response_basis,"
        " response_minutes FROM marts.fct_sensor_alarm ORDER BY device_id, started_at, level",
    )
    hours = timedelta(hours=1)
    flooded = NEWEST - 30 * hours - timedelta(minutes=45)
    assert alarms == [
        (GAS, 2, NEWEST - 26 * hours, NEWEST - 23 * hours, Decimal(30), 2, "reading", 180),
        (GAS, 3, NEWEST - 26 * hours, NEWEST - 23 * hours, Decimal(30), 2, "reading", 180),
        (GAS, 3, NEWEST - hours, None, Decimal(12), 3, None, None),
        (POINT, 3, flooded, flooded + hours, Decimal(18), 3, "reading", 60),
    ]


def test_lifeline_of_each_county_and_kind(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, device_kind, devices, devices_online, alarms_open, alarms_level_1,"
        " alarms_level_2, alarms_level_3, responses_by_case, responses_by_reading, response_minutes"
        " FROM marts.mart_city_lifeline ORDER BY 1, 2",
    )
    assert found == [
        (QIAOCHENG, "gas", 2, 1, 1, 0, 1, 1, 0, 1, 180),  # the one out of service does not count
        (MENGCHENG, "bridge", 1, 1, 0, 0, 0, 0, 0, 0, None),
        (LIXIN, "water_level", 1, 1, 0, 0, 0, 1, 0, 1, 60),
    ]


def test_devices_that_need_attention_say_why(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT device_id, is_silent, attention_reason FROM marts.mart_city_lifeline_attention ORDER BY 1",
    )
    assert found == [(GAS, False, "三级告警未解除"), (GAS_SILENT, True, "已 20.0 小时未上报")]
    alarms = rows(
        transformer,
        "SELECT device_id, gravest_level_label, state_label, needs_attention"
        " FROM marts.mart_city_lifeline_alarm ORDER BY device_id, started_at",
    )
    assert alarms == [
        (GAS, "二级", "已恢复", False),
        (GAS, "三级", "告警中", True),
        (POINT, "三级", "已恢复", False),
    ]


def test_the_trend_counts_devices_over_their_levels(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT day, devices_reporting, readings, devices_over_level_1, devices_over_level_2,"
        " devices_over_level_3 FROM marts.mart_city_lifeline_day"
        " WHERE device_kind = 'gas' AND day >= '2026-11-19' ORDER BY day",
    )
    assert found == [
        (date(2026, 11, 19), 2, 24 + 15, 0, 0, 0),
        (date(2026, 11, 20), 2, 24 + 13, 0, 1, 0),  # the silent one's last reading is at 12:00
        (date(2026, 11, 21), 1, 9, 0, 0, 1),
    ]


def test_homes_reach_no_display_mart(transformer: psycopg.Connection) -> None:
    for mart in ("mart_city_lifeline_alarm", "mart_city_lifeline_attention"):
        assert rows(transformer, f"SELECT * FROM marts.{mart} WHERE device_id = %s", METER) == []
    assert rows(transformer, "SELECT lon, lat FROM marts.dim_device WHERE device_id = %s", METER) == [
        (None, None)
    ]


def test_sections_and_what_exceeds(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, month, reaches_class_3, reaches_target, change_label, exceeding_pollutants,"
        " needs_attention FROM marts.mart_water_environment ORDER BY 1, 2",
    )
    assert found == [
        (QIAOCHENG, date(2026, 9, 1), True, True, None, None, False),
        (
            QIAOCHENG,
            date(2026, 10, 1),
            False,
            False,
            "变差",
            "总磷（超 0.25 倍）、化学需氧量（超 0.20 倍）、溶解氧",
            True,
        ),
        (MENGCHENG, date(2026, 9, 1), False, False, None, "氨氮（超 0.20 倍）", False),
        (MENGCHENG, date(2026, 10, 1), True, True, "好转", None, False),
    ]
    pollutants = rows(
        transformer,
        "SELECT pollutant, sections_measured, sections_exceeding, worst_excess_times"
        " FROM marts.mart_water_environment_pollutant WHERE is_latest_month AND county_code = '341602'"
        " AND sections_exceeding > 0 ORDER BY 1",
    )
    assert pollutants == [
        ("cod", 1, 1, Decimal("0.2000")),
        ("dissolved_oxygen", 1, 1, None),
        ("total_phosphorus", 1, 1, Decimal("0.2500")),
    ]


def test_outlets_and_the_late_ones(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT outlet_code, is_surveyed, is_reviewed, is_late, stage_label, days_late > 100"
        " FROM marts.mart_water_environment_outlet ORDER BY right(outlet_code, 4)",
    )
    assert found == [
        ("341602K0001", True, True, False, "已整治", None),
        ("341602K0002", True, True, True, "已复核", True),
        ("341622K0003", True, False, False, "已排查", None),
        ("341623K0004", False, False, False, "待排查", None),
    ]


def test_the_level_stands_against_the_warning_stage(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT day, stage_max_m, over_warning_m, is_over_warning, is_over_guaranteed, hours_over_warning,"
        " needs_attention, observed_at FROM marts.mart_water_environment_level"
        " WHERE gauge_code = '341602W01'",
    )
    last = datetime(2026, 11, 21, 0, 55, tzinfo=UTC)
    assert found == [
        (date(2026, 11, 21), Decimal("21.61"), Decimal("0.06"), True, False, Decimal("0.6"), True, last)
    ]
