"""Sensor facts built step by step end as one full build of everything would, and touch what changed alone."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from dbt_city import load
from psycopg import sql
from sensor_city import day_row, reading

from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate.delivery import SHANGHAI
from citybrain.warehouse.dbt_process import run_dbt
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration

FACTS = {
    "fct_sensor_reading": "device_id, metric, observed_at, county_code, value, quality, seq, batch_id",
    "fct_sensor_hour": "device_id, metric, hour, county_code, value_min, value_sum, value_max, reading_count,"
    " doubtful_count, last_observed_at",
    "fct_sensor_day": "device_id, metric, day, county_code, value_min, value_mean, value_max, reading_count,"
    " last_observed_at, is_delivered, batch_id",
}
WAYS = ("sensor_reading", "sensor_reading_live")
TRIALS = "341602G9"  # what the tests' devices begin with
BEGIN = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)  # 20:00 in Beijing: the hours reach over a day's end
VERSIONS = [f"2026-11-0{number}T00:00:00+00:00" for number in range(1, 5)]


ALARMS = (
    "device_id, level, started_at, ended_at, peak_value, peak_at, reading_count, last_observed_at,"
    " stood_minutes, event_started_at, gravest_level, is_event, response_minutes"
)


def build(settings: Settings, *more: str, models: Iterable[str] = FACTS) -> None:
    ending = run_dbt(settings, ["run", "--select", *models, *more])
    assert ending.code == 0, ending.errors


def contents(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    """The trial devices' rows but for the moment they were written."""
    query = sql.SQL("SELECT {} FROM {} WHERE device_id LIKE %s ORDER BY 1, 2, 3").format(
        sql.SQL(FACTS.get(table, ALARMS)),  # type: ignore[arg-type]  # literals of this file
        sql.Identifier("marts", table),
    )
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        return connection.execute(query, [f"{TRIALS}%"]).fetchall()


def written(settings: Settings, table: str, moment: str) -> dict[Any, datetime]:
    query = sql.SQL("SELECT {}, built_at FROM {} WHERE device_id LIKE %s").format(
        sql.Identifier(moment), sql.Identifier("marts", table)
    )
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        return dict(connection.execute(query, [f"{TRIALS}%"]).fetchall())


@pytest.fixture
def trials(city: Settings, built: TransformReport) -> Iterator[Settings]:
    """The small city, from which what the test loaded is taken out again."""
    with psycopg.connect(city.admin_url, dbname="city") as connection:
        (before,) = connection.execute("SELECT max(batch_id) FROM meta.batch").fetchone() or (0,)
    yield city
    with psycopg.connect(city.admin_url, dbname="city") as connection:
        for table in (*WAYS, "sensor_reading_day"):
            raw = sql.Identifier("raw", table)
            connection.execute(sql.SQL("DELETE FROM {} WHERE _batch_id > %s").format(raw), [before])
        for table in (*FACTS, "fct_sensor_alarm", "dim_device"):
            fact = sql.Identifier("marts", table)
            connection.execute(sql.SQL("DELETE FROM {} WHERE device_id LIKE %s").format(fact), [f"{TRIALS}%"])
        connection.execute("DELETE FROM meta.delivery WHERE batch_id > %s", [before])
        connection.execute("DELETE FROM meta.gate_result WHERE batch_id > %s", [before])
        connection.execute("DELETE FROM meta.batch WHERE batch_id > %s", [before])


def test_an_increment_touches_the_changed_hours_and_days_alone(trials: Settings) -> None:
    device = f"{TRIALS}0001"
    hours = [BEGIN + timedelta(hours=step) for step in range(72)]
    load(trials, "sensor_reading", [reading(device, "gas", hour, 1.0) for hour in hours])
    build(trials)
    first = {
        table: written(trials, table, moment)
        for table, moment in (
            ("fct_sensor_reading", "observed_at"),
            ("fct_sensor_hour", "hour"),
            ("fct_sensor_day", "day"),
        )
    }
    assert [len(rows) for rows in first.values()] == [72, 72, 4]

    # one reading re-stated, one that came late, and one said again by an older delivery
    load(
        trials,
        "sensor_reading",
        [
            reading(device, "gas", hours[30], 7.0),
            reading(device, "gas", hours[30] + timedelta(minutes=20), 9.0),
        ],
        source_version="2026-11-25T00:00:00+00:00",
    )
    load(
        trials,
        "sensor_reading",
        [reading(device, "gas", hours[60], 99.0)],
        source_version="2026-01-01T00:00:00+00:00",
    )
    build(trials)
    readings = written(trials, "fct_sensor_reading", "observed_at")
    late = hours[30] + timedelta(minutes=20)
    assert {at for at in readings if readings[at] != first["fct_sensor_reading"].get(at)} == {hours[30], late}
    by_hour = written(trials, "fct_sensor_hour", "hour")
    assert {at for at in by_hour if by_hour[at] != first["fct_sensor_hour"][at]} == {hours[30]}
    by_day = written(trials, "fct_sensor_day", "day")
    day = date(2026, 10, 7)  # 30 hours after 20:00 on the 5th
    assert {at for at in by_day if by_day[at] != first["fct_sensor_day"][at]} == {day}
    (figures,) = [row for row in contents(trials, "fct_sensor_day") if row[2] == day]
    assert figures[4:8] == (Decimal(1), Decimal("1.5600"), Decimal(9), 25)  # 23 of 1, one of 7, one of 9


def random_statements(
    shuffle: random.Random, device: str
) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """For each version of a device: the readings and the days it states; they overlap and contradict."""
    stated = []
    for _ in VERSIONS:
        moments = shuffle.sample(range(40), k=shuffle.randint(0, 12))
        readings = [
            reading(
                device,
                "gas",
                BEGIN + timedelta(minutes=20 * moment),
                shuffle.choice([1.0, 2.5, 30.0]),
                shuffle.choice(["good", "suspect"]),
            )
            for moment in moments
        ]
        days = [
            day_row(device, "gas", date(2026, 10, day), shuffle.choice([1.0, 2.0]), shuffle.choice([5, 24]))
            for day in shuffle.sample(range(3, 8), k=shuffle.randint(0, 2))
        ]
        stated.append((readings, days))
    return stated


@pytest.mark.slow
def test_every_order_of_arrival_ends_in_the_same_tables(trials: Settings) -> None:
    """Forty devices, each with a random order of its four versions; one of them also comes twice."""
    shuffle = random.Random(20261126)
    devices = [f"{TRIALS}{number:04}" for number in range(1000, 1040)]
    stated = {device: random_statements(shuffle, device) for device in devices}
    orders = {device: shuffle.sample(range(len(VERSIONS)), k=len(VERSIONS)) for device in devices}
    twice = {device: shuffle.randrange(len(VERSIONS)) for device in devices}
    for step in range(len(VERSIONS)):
        for version, name in enumerate(VERSIONS):
            readings: list[dict[str, Any]] = []
            days: list[dict[str, Any]] = []
            for device in devices:
                repeats = step == len(VERSIONS) - 1 and version == twice[device]
                if orders[device][step] == version or repeats:
                    readings += stated[device][version][0]
                    days += stated[device][version][1]
            if readings:
                # whichever way a version came: from the platforms or by MQTT
                load(trials, WAYS[version % 2], readings, source_version=name)
            if days:
                load(trials, "sensor_reading_day", days, source_version=name)
        build(trials)
    stepwise = {table: contents(trials, table) for table in FACTS}
    build(trials, "--full-refresh")
    assert {table: contents(trials, table) for table in FACTS} == stepwise

    newest: dict[tuple[str, datetime], Decimal] = {}
    for device in devices:
        for readings, _ in stated[device]:  # in order of versions
            newest |= {(device, row["observed_at"]): Decimal(str(row["value"])) for row in readings}
    found = {(row[0], row[2]): row[4] for row in stepwise["fct_sensor_reading"]}
    assert found == newest
    days_stated = {
        (device, row["day"]): Decimal(str(row["value_mean"]))
        for device in devices
        for _, days in stated[device]
        for row in days
    }
    delivered = {(row[0], row[2]): row[5] for row in stepwise["fct_sensor_day"] if row[9]}
    assert delivered == days_stated
    of_hours = {(row[0], row[2].astimezone(SHANGHAI).date()) for row in stepwise["fct_sensor_hour"]}
    assert {(row[0], row[2]) for row in stepwise["fct_sensor_day"]} == of_hours | set(days_stated)


def values(shuffle: random.Random, length: int) -> list[float]:
    """A walk over the levels 10, 20 and 30 (hysteresis 3) that also lingers between a level and its end."""
    return [shuffle.choice([2.0, 8.0, 9.5, 11.0, 18.0, 21.0, 28.0, 33.0]) for _ in range(length)]


@pytest.mark.slow
def test_alarms_told_step_by_step_are_those_of_one_build(trials: Settings) -> None:
    """Readings that come in order, late, and again with another value; what nobody touched is not written."""
    shuffle = random.Random(20261127)
    devices = [f"{TRIALS}{number:04}" for number in range(2000, 2030)]
    models = ("fct_sensor_reading", "fct_sensor_hour", "fct_sensor_alarm")
    with psycopg.connect(trials.admin_url, dbname="city") as connection:
        for device in devices:
            connection.execute(
                "INSERT INTO marts.dim_device SELECT (jsonb_populate_record(d, jsonb_build_object("
                "'device_id', %s::text, 'level_1', 30, 'level_2', 20, 'level_3', 10, 'hysteresis', 3))).*"
                " FROM marts.dim_device AS d WHERE device_kind = 'gas' LIMIT 1",
                [device],
            )
    build(trials, models=models)
    for step in range(5):
        rows = []
        for device in devices:
            begin, until = BEGIN + timedelta(hours=10 * step), 60 * step + 2
            moments = [begin + timedelta(minutes=20 * place) for place in range(30)]
            late = [BEGIN + timedelta(minutes=10 * shuffle.randrange(1, until)) for _ in range(step % 3)]
            kept = shuffle.sample(moments, k=shuffle.choice([0, 10, 30]))
            rows += [
                reading(device, "gas", moment, value)
                for moment, value in zip([*kept, *late], values(shuffle, len(kept) + len(late)), strict=True)
            ]
        load(trials, "sensor_reading", rows, source_version=f"2026-12-0{step + 1}T00:00:00+00:00")
        build(trials, models=models)
    stepwise = contents(trials, "fct_sensor_alarm")
    written_at = written(trials, "fct_sensor_alarm", "started_at")
    assert len(set(written_at.values())) > 2  # most of them stand as they were written
    build(trials, "--full-refresh", models=models)
    assert contents(trials, "fct_sensor_alarm") == stepwise
    assert len(stepwise) > 200
