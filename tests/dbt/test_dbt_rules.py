"""The rules of detectors/ over the marts of the small city: each column and right they need is there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sensor_city import GAS, GAS_SILENT, NEWEST, POINT

from citybrain.sensing.rule_file import load_rule_files
from citybrain.sensing.sweep import RuleSwept, sweep_rule
from citybrain.sensing.tracks import measure
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration
Swept = dict[tuple[str, str], RuleSwept]


@pytest.fixture(scope="module")
def swept(city: Settings, built: TransformReport) -> Iterator[tuple[Swept, psycopg.Connection[Any]]]:
    """One sweep of every rule, and the transaction it stands in; nothing of it stays."""
    files = load_rule_files(city)
    points = measure(city, files["multi_vehicle_supervision"])
    assert points == 3 and measure(city, files["multi_vehicle_supervision"]) == 0
    with (
        connect(city, DatabaseRole.SENSOR, autocommit=True) as sensor,
        sensor.transaction(force_rollback=True),
    ):
        done = {
            (file.id, rule.id): sweep_rule(sensor, file, rule)
            for file in files.values()
            for rule in file.rules
        }
        yield done, sensor
    with connect(city, DatabaseRole.LOADER) as loader:
        loader.execute("DELETE FROM sensing.track_point")
        loader.execute("DELETE FROM sensing.measured_batch")


def test_every_rule_finds_its_table(swept: tuple[Swept, Any]) -> None:
    states = {name: one.state for name, one in swept[0].items()}
    waiting = {name for name, state in states.items() if state.startswith("waits")}
    assert waiting <= {
        ("illegal_construction", "without_permit"),
        ("river_lake_four_disorders", "inside_the_line"),
    }
    assert {name: state for name, state in states.items() if state.startswith("failed")} == {}


def test_a_level_reached_twice_is_told_with_its_place(swept: tuple[Swept, Any]) -> None:
    (signal,) = swept[0]["gas_leak_monitoring", "methane"].signals
    assert (signal.subject, signal.class_code, signal.kind) == (GAS, "level_3", "detected")
    assert signal.observed_at == NEWEST


def test_what_was_over_long_ago_is_kept_and_not_told(swept: tuple[Swept, Any]) -> None:
    rows = swept[1].execute(
        "SELECT subject, class_code, confirmed_at IS NOT NULL, ended_at IS NOT NULL, told_key"
        " FROM sensing.spell WHERE detector IN ('flood_waterlogging', 'gas_leak_monitoring')"
        " AND rule IN ('depth', 'methane') AND ended_at IS NOT NULL ORDER BY 1, 2"
    )
    assert rows.fetchall() == [
        (GAS, "level_2", True, True, None),
        (GAS, "level_3", True, True, None),
        (POINT, "all", True, True, None),
    ]


def test_a_device_that_fell_silent_is_its_own_health(swept: tuple[Swept, Any]) -> None:
    found = {
        (signal.subject, signal.class_code): signal.observed_at
        for signal in swept[0]["gas_leak_monitoring", "silent"].signals
    }
    assert found == {(GAS_SILENT, "silent"): NEWEST - timedelta(hours=20) + timedelta(hours=4)}


def test_a_sensor_reads_what_its_rules_name_and_no_more(city: Settings, built: TransformReport) -> None:
    with connect(city, DatabaseRole.SENSOR, autocommit=True) as sensor:
        for statement in (
            "SELECT 1 FROM raw.vehicle_track",
            "SELECT 1 FROM marts.mart_enterprise_facts",
            "SELECT place_name FROM ops.signal",
            "SELECT title FROM ops.event_case",
            "UPDATE ops.signal SET state = 'dropped'",
            "INSERT INTO sensing.track_point DEFAULT VALUES",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                sensor.execute(statement.encode())
