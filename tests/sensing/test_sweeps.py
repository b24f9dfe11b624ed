"""Sweeps: equal to a brute force, whatever the order of arrival, exactly once through any break."""

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from brute_force import Limits, spells_of
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citybrain.sensing.rule_file import RuleFile
from citybrain.sensing.rule_parts import Level, Over, Persist
from citybrain.sensing.sweep import RuleSwept, sweep_rule
from citybrain.sensing.telling import AnyRule

pytestmark = pytest.mark.integration
BEGIN = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
STAND_INS = {"marts.fct_sensor_reading": "pg_temp.readings", "marts.dim_device": "pg_temp.devices"}
Row = tuple[str, int, float]


def file_with(**rule: Any) -> tuple[RuleFile, AnyRule]:
    """A file of one rule over readings, or of silence; its id is its own."""
    rows = {
        "relation": "marts.fct_sensor_reading",
        "subject": "device_id",
        "at": "observed_at",
        "value": "value",
        "arrived": "built_at",
    }
    place = {"relation": "marts.dim_device", "subject": "device_id", "name": ["name"], "area": "area"}
    file = RuleFile.model_validate(
        {
            "schema": "citybrain/rules@1",
            "id": f"trial_{uuid.uuid4().hex[:12]}",
            "scenario": "gas_leak_monitoring",
            "title": {"zh": "试验", "en": "Trial"},
            "provenance": "public",
            "origin": "synthetic",
            "source_kind": "iot",
            "lateness_hours": 2000,
            "first_look_hours": 2000,
            "tell_within_hours": 2000,
            "place": place,
            "rules": [{"id": "r", "title": {"zh": "试验", "en": "Trial"}, "input": rows, **rule}],
        }
    )
    return file, file.rules[0]


def reading_rule(limits: Limits, **more: Any) -> tuple[RuleFile, AnyRule]:
    return file_with(
        kind="reading",
        levels=[{"class": "all", "raise_at": limits.raise_at, "hysteresis": limits.hysteresis}],
        persist={"minutes": limits.minutes, "readings": limits.readings},
        clear_after=limits.clear_after,
        **more,
    )


@contextmanager
def tables(city: psycopg.Connection[Any]) -> Iterator[None]:
    """Empty tables of readings and devices, gone with everything else at the end."""
    with city.transaction(force_rollback=True):
        city.execute(
            "CREATE TEMP TABLE readings (device_id text, observed_at timestamptz, value float8,"
            " built_at timestamptz, PRIMARY KEY (device_id, observed_at))"
        )
        city.execute("CREATE TEMP TABLE devices (device_id text, name text, area text)")
        yield


def arrive(city: psycopg.Connection[Any], rows: list[Row], arrival: int) -> None:
    """Rows (device, minute, value) that are written now; a value told again replaces the one before."""
    with city.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO readings VALUES (%s, %s, %s, %s) ON CONFLICT (device_id, observed_at)"
            " DO UPDATE SET value = excluded.value, built_at = excluded.built_at",
            [
                (device, BEGIN + timedelta(minutes=minute), value, BEGIN + timedelta(seconds=arrival))
                for device, minute, value in rows
            ],
        )
        cursor.executemany(
            "INSERT INTO devices VALUES (%s, 'n', '341602')", sorted({row[:1] for row in rows})
        )
    city.execute("DELETE FROM devices a USING devices b WHERE a.ctid > b.ctid AND a.device_id = b.device_id")


def swept(city: psycopg.Connection[Any], file: RuleFile, rule: AnyRule) -> RuleSwept:
    done = sweep_rule(city, file, rule, STAND_INS)
    assert done.state in ("swept", "unchanged"), done.state
    return done


def spells(city: psycopg.Connection[Any], file: RuleFile) -> list[tuple[Any, ...]]:
    """(device, began, confirmed, ended, is told, end is told), times as minutes."""
    rows = city.execute(
        "SELECT subject, started_at, confirmed_at, ended_at, told_key IS NOT NULL, cleared_key IS NOT NULL"
        " FROM sensing.spell WHERE detector = %s ORDER BY subject, class_code, started_at",
        (file.id,),
    ).fetchall()

    def minute(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - BEGIN).total_seconds() / 60

    return [(row[0], *map(minute, row[1:4]), *row[4:]) for row in rows]


limits_of_all_kinds = st.builds(
    Limits,
    raise_at=st.sampled_from([10.0, 15.0]),
    hysteresis=st.sampled_from([0.0, 2.0, 5.0]),
    minutes=st.sampled_from([0.0, 10.0, 30.0]),
    readings=st.integers(1, 3),
    clear_after=st.integers(1, 3),
)
series = st.lists(
    st.tuples(st.integers(1, 25), st.sampled_from([0.0, 7.0, 9.0, 11.0, 14.0, 16.0])), max_size=30
)


@hypothesis_settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(limits=limits_of_all_kinds, many=st.lists(series, min_size=20, max_size=40))
def test_the_statement_says_what_a_brute_force_says(
    sensor: psycopg.Connection[Any], limits: Limits, many: list[list[tuple[int, float]]]
) -> None:
    file, rule = reading_rule(limits)
    expected, rows = [], []
    for number, steps in enumerate(many):
        minute, readings = 0, []
        for step, value in steps:
            minute += step
            readings.append((float(minute), value))
            rows.append((f"D{number:02}", minute, value))
        expected += [(f"D{number:02}", *spell) for spell in spells_of(readings, limits)]
    with tables(sensor):
        arrive(sensor, rows, 1)
        swept(sensor, file, rule)
        assert [spell[:4] for spell in spells(sensor, file)] == expected


RULES: dict[str, dict[str, Any]] = {
    "threshold": {"clear_after": 2, "persist": Persist(minutes=10, readings=2).model_dump()},
    "mean": {"over": Over(minutes=30, take="mean").model_dump(), "persist": {"readings": 1}},
    "peers": {"compensate": {"nominal": 8, "least": 3}, "persist": {"readings": 1}},
}


def some_rows(seed: int) -> list[Row]:
    luck = random.Random(seed)
    return [
        (f"D{device}", 10 * step, luck.choice([0.0, 7.0, 9.0, 11.0, 14.0, 16.0, 30.0]))
        for device in range(5)
        for step in range(30)
        if luck.random() < 0.9
    ]


def last_words(told: list[RuleSwept]) -> dict[tuple[str, str], str]:
    """What was said of each device and class about the latest moment."""
    signals = [signal for one in told for signal in one.signals]
    signals.sort(key=lambda signal: signal.observed_at)  # of one moment the later told counts, as in a case
    return {(signal.subject, signal.class_code): signal.kind for signal in signals}


@pytest.mark.parametrize("name", [*RULES, "silence"])
def test_twenty_orders_of_arrival_give_one_final_state(sensor: psycopg.Connection[Any], name: str) -> None:
    levels = [
        Level.model_validate({"class": "all", "raise_at": 13, "hysteresis": 3}).model_dump(by_alias=True)
    ]
    ends = []
    for order in range(20 if name == "threshold" else 7):
        file, rule = (
            file_with(kind="silence", minutes=15)
            if name == "silence"
            else file_with(kind="reading", levels=levels, **RULES[name])
        )
        rows, told = some_rows(1), []
        if order:
            random.Random(order).shuffle(rows)
        with tables(sensor):
            for number in range(4):
                share = len(rows) // 4 + 1
                arrive(sensor, rows[number * share : (number + 1) * share], number + 1)
                told.append(swept(sensor, file, rule))
            ends.append([spell[:4] for spell in spells(sensor, file)])
            confirmed = [spell for spell in spells(sensor, file) if spell[2] is not None]
        newest = {spell[0]: spell for spell in confirmed}  # what came to light before it is no news
        assert all(spell[4] for spell in newest.values())
        assert all(spell[5] == (spell[3] is not None) for spell in confirmed if spell[4])
        standing = {spell[0] for spell in confirmed if spell[3] is None}
        said = last_words(told)
        assert {device for (device, _), kind in said.items() if kind == "detected"} == standing
    assert ends[0] and all(end == ends[0] for end in ends)


def test_a_second_sweep_changes_nothing_and_late_rows_move_the_edges(sensor: psycopg.Connection[Any]) -> None:
    file, rule = reading_rule(Limits(15, 2, 10, 2, 1))
    with tables(sensor):
        arrive(sensor, [("D", 20, 16), ("D", 40, 17)], 1)
        assert [signal.kind for signal in swept(sensor, file, rule).signals] == ["detected"]
        assert swept(sensor, file, rule).state == "unchanged"
        arrive(sensor, [("D", 0, 18)], 2)  # it had begun earlier: nobody is told again
        assert swept(sensor, file, rule).signals == []
        assert spells(sensor, file) == [("D", 0, 20, None, True, False)]
        arrive(sensor, [("D", 20, 1), ("D", 40, 1)], 3)  # the readings are corrected: it was nothing
        assert [signal.kind for signal in swept(sensor, file, rule).signals] == ["cleared"]
        assert [spell[:4] for spell in spells(sensor, file)] == [("D", 0, None, 20)]


def test_rows_older_than_the_lateness_are_left_aside_and_counted(sensor: psycopg.Connection[Any]) -> None:
    file, rule = reading_rule(Limits(15, 2, 0, 1, 1))
    file = file.model_copy(update={"lateness_hours": 1})
    with tables(sensor):
        arrive(sensor, [("D", 600, 1)], 1)
        swept(sensor, file, rule)
        arrive(sensor, [("D", 100, 99), ("D", 610, 1)], 2)
        assert swept(sensor, file, rule).signals == []
        late = sensor.execute(
            "SELECT rows_too_late FROM sensing.sweep WHERE detector = %s ORDER BY sweep_id DESC", (file.id,)
        ).fetchone()
        assert late == (1,)


def test_a_spell_that_began_before_the_lateness_is_carried(sensor: psycopg.Connection[Any]) -> None:
    file, rule = reading_rule(Limits(15, 2, 10, 2, 2))
    file = file.model_copy(update={"lateness_hours": 1})
    with tables(sensor):
        arrive(sensor, [("D", minute, 16) for minute in range(0, 300, 10)], 1)
        swept(sensor, file, rule)
        arrive(sensor, [("D", 300, 17)], 2)
        assert swept(sensor, file, rule).signals == []
        assert spells(sensor, file) == [("D", 0, 10, None, True, False)]
        arrive(sensor, [("D", 310, 1), ("D", 320, 1)], 3)
        assert [signal.kind for signal in swept(sensor, file, rule).signals] == ["cleared"]
        assert spells(sensor, file) == [("D", 0, 10, 320, True, True)]


class _BreaksAt:
    """A connection whose nth statement is the last one its process sends."""

    def __init__(self, city: psycopg.Connection[Any], statements: int) -> None:
        self._city, self._left = city, statements

    def execute(self, *arguments: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise psycopg.OperationalError("the process was killed here")
        return self._city.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._city, name)


def test_a_break_at_any_statement_tells_everything_exactly_once(sensor: psycopg.Connection[Any]) -> None:
    for statements in range(1, 40):
        file, rule = reading_rule(Limits(15, 2, 0, 1, 1))
        with tables(sensor):
            arrive(sensor, [("D", 0, 16), ("D", 10, 1), ("E", 0, 20)], 1)
            broken = sweep_rule(_BreaksAt(sensor, statements), file, rule, STAND_INS)  # type: ignore[arg-type]
            if broken.state == "swept":
                assert statements > 10
                return
            assert broken.state.startswith("failed")
            assert spells(sensor, file) == []
            assert [signal.kind for signal in swept(sensor, file, rule).signals] == [
                "detected",
                "cleared",
                "detected",
            ]
            assert swept(sensor, file, rule).state == "unchanged"
    pytest.fail("a sweep has fewer than forty statements")
