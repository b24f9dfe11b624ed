"""The street's marts over the small city: figures worked out by hand from the rows of `dbt_street.py`."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, MENGCHENG, QIAOCHENG, load
from dbt_street import LAST_HOUR, TRUCK_DAY, back, grid_code, section_row, track_rows

from citybrain.settings import Settings
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = pytest.mark.integration


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type, return-value]  # literals of this file


def test_components_by_state_and_sensor(transformer: psycopg.Connection) -> None:
    counties = rows(
        transformer,
        "SELECT county_code, components, intact, damaged, lost, sensors, sensors_online, rank_in_city"
        " FROM marts.mart_municipal_assets_county ORDER BY 1",
    )
    assert counties == [
        (QIAOCHENG, 10, 10, 0, 0, 4, 4, 1),
        (GUOYANG, 10, 7, 1, 2, 4, 4, 4),
        (MENGCHENG, 10, 10, 0, 0, 4, 4, 1),
        (LIXIN, 10, 10, 0, 0, 4, 3, 1),
    ]
    watched = rows(
        transformer,
        "SELECT grid_code, critical_in_need, attention_reason FROM marts.mart_municipal_assets_grid"
        " WHERE needs_attention",
    )
    ((grid, critical, reason),) = watched
    assert (grid, critical) == (grid_code(GUOYANG), 3)
    # 70 days back by the machine's date, a day more when the city's has moved on
    assert re.fullmatch("涉及安全的部件破损或丢失 3 件；丢失 2 件；最长 7[01] 天未修复", reason)
    assert rows(
        transformer,
        "SELECT DISTINCT damage_rate, damage_rate_year_before FROM marts.mart_municipal_assets_trend"
        " WHERE is_latest_month",
    ) == [(Decimal("0.0400"), Decimal("0.0800"))]


def test_a_grid_stands_below_its_village(transformer: psycopg.Connection) -> None:
    assert rows(
        transformer,
        "SELECT count(*) FROM marts.dim_grid JOIN marts.dim_area"
        " ON area_code = village_code AND area_level = 'village'"
        " WHERE grid_code LIKE village_code || '___' AND dim_grid.county_code = dim_area.county_code",
    ) == [(4,)]


def test_resources_of_a_county(transformer: psycopg.Connection) -> None:
    found = rows(
        transformer,
        "SELECT county_code, teams, stores, stock_lines_short, shelters, villages_placed,"
        " villages_team_in_reach, villages_store_in_reach, drills_due, drills_held,"
        " duty_posts, duty_posts_filled"
        " FROM marts.mart_emergency_resources ORDER BY 1",
    )
    assert found == [
        (QIAOCHENG, 1, 1, 0, 1, 1, 1, 1, 2, 1, 0, 0),
        (GUOYANG, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0),
        (MENGCHENG, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0),
        (LIXIN, 0, 1, 0, 0, 1, 0, 1, 0, 0, 4, 3),
    ]
    findings = rows(
        transformer,
        "SELECT finding_kind, county_code, thing_code FROM marts.mart_emergency_resources_attention"
        " WHERE finding_kind <> 'reach' ORDER BY 1",
    )
    assert findings == [
        ("drill", QIAOCHENG, "overdue"),
        ("duty", LIXIN, f"emergency_management {LIXIN}"),
        ("stock", MENGCHENG, f"{MENGCHENG}S001 排水泵"),
    ]


def test_the_city_s_own_drills_and_desks_belong_to_no_county(transformer: psycopg.Connection) -> None:
    assert rows(
        transformer,
        "SELECT drills_due, drills_held FROM marts.mart_emergency_resources_trend WHERE county_code IS NULL",
    ) == [(1, 1)]
    desks = rows(
        transformer,
        "SELECT county_code, posts, posts_filled, posts_signed_in, posts_missed, posts_empty"
        f" FROM marts.mart_emergency_resources_duty WHERE duty_on = '{back(1)}' ORDER BY 1 NULLS FIRST",
    )
    assert desks == [(None, 2, 2, 2, 0, None), (LIXIN, 2, 1, 0, 2, "夜班值班员")]


def test_no_plate_and_no_line_reaches_the_warehouse_in_full(transformer: psycopg.Connection) -> None:
    assert rows(transformer, "SELECT plate_masked FROM marts.dim_vehicle") == [("皖S·**123",)]
    assert rows(
        transformer,
        "SELECT DISTINCT duty_phone_masked FROM staging.stg_emergency_management__duty ORDER BY 1",
    ) == [
        ("****56",),
        (None,),
    ]


def test_what_needs_attention_in_traffic(transformer: psycopg.Connection) -> None:
    watched = rows(
        transformer,
        "SELECT thing_kind, thing_code, value_now, value_before FROM marts.mart_traffic_parking_attention"
        " WHERE needs_attention ORDER BY 1",
    )
    assert watched == [
        ("line", f"{LIXIN}G01", Decimal("0.6000"), Decimal("0.9000")),
        ("lot", "341602P001", Decimal("0.0500"), None),
        ("section", "341602R001", Decimal("2.0000"), Decimal("1.2000")),
    ]
    days = rows(
        transformer,
        "SELECT day, accidents, injured, on_time_rate FROM marts.mart_traffic_parking"
        f" WHERE county_code = '{QIAOCHENG}' AND day >= '2026-11-18' ORDER BY 1",
    )
    assert days == [
        (date(2026, 11, 18), 1, 0, Decimal("0.9000")),
        (date(2026, 11, 19), 1, 1, Decimal("0.9000")),
        (date(2026, 11, 20), None, None, None),  # the police have not counted it yet
    ]


def truck_day(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return rows(
        connection,
        "SELECT points, silent_minutes, speed_violations FROM marts.fct_vehicle_day"
        f" WHERE vehicle_code = 'MUCK_TRUCK00001' AND day = '{TRUCK_DAY}'",
    )


def test_points_that_come_late_or_again_land_right(
    city: Settings, built: TransformReport, transformer: psycopg.Connection
) -> None:
    assert truck_day(transformer) == [(3, 120, 0)]
    later = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    half_past = [
        {**row, "observed_at": row["observed_at"] + timedelta(minutes=30)} for row in track_rows((9, 10))
    ]
    faster = [{**row, "speed_kmh": 80} for row in track_rows((10,))]
    load(
        city,
        "vehicle_track",
        [*half_past, *faster],
        logical_date=later.date(),
        source_version="2026-11-22T01:00:00+00:00",
        loaded_at=later,
    )
    load(
        city,
        "road_section_index",
        [section_row(0, 3.0)],
        logical_date=later.date(),
        source_version="2026-11-22T01:00:00+00:00",
        loaded_at=later,
    )
    report = build_warehouse("fct_vehicle_day fct_traffic_hour")
    assert report.failures == []
    assert truck_day(transformer) == [(5, 0, 1)]
    assert rows(
        transformer,
        f"SELECT congestion_index FROM marts.fct_traffic_hour WHERE hour_start = '{LAST_HOUR.isoformat()}'",
    ) == [(Decimal("3.0000"),)]
    assert rows(transformer, "SELECT count(*) FROM marts.fct_traffic_hour") == [(240,)]
