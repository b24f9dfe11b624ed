"""Rules on messages as they come: the words of a sweep, sooner; nothing twice through kills and sweeps."""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from brute_force import Limits as Plain
from brute_force import spells_of
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from test_sweeps import limits_of_all_kinds, reading_rule, series

from citybrain.catalogue import load_dataset
from citybrain.sensing.live import LiveRule, Watch, live_rules
from citybrain.sensing.live_judge import Limits, Standing, follow
from citybrain.sensing.live_message import MessageReader, record_of
from citybrain.sensing.live_store import limits_of, load_standing, write
from citybrain.sensing.rule_file import ReadingRule, RuleFile
from citybrain.sensing.sweep import sweep_rule
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter
from standing_in import standing_in

LIVE = load_dataset(get_settings().sources_dir / "sensor_reading_live.yml")
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)  # what is older is told by nobody
MARTS = {
    "fct_sensor_reading": "(device_id text, metric text, observed_at timestamptz, value float8, quality text,"
    " built_at timestamptz)",
    "dim_device": "(device_id text, device_kind text, name text, place_name text, area text, area_code text,"
    " point_id text, lon float8, lat float8, is_in_service boolean, level_1 float8, level_2 float8,"
    " level_3 float8, hysteresis float8, cadence_minutes integer)",
}


def message(minute: float, value: object, metric: str = "methane_lel_percent", **more: object) -> bytes:
    at = int((BEGIN + timedelta(minutes=minute)).timestamp() * 1000)
    return json.dumps({"t": at, "m": metric, "v": value, "q": "good", "s": 1, **more}).encode()


@pytest.fixture(scope="module")
def ground(offices: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Tables of devices and readings where those of dbt stand; a connection of dbt's."""
    with standing_in(offices, MARTS, [DatabaseRole.SENSOR]) as dbt:
        yield dbt


def add_device(dbt: psycopg.Connection[Any], kind: str = "gas") -> str:
    device = f"341602G{uuid.uuid4().hex[:10]}"
    dbt.execute(
        "INSERT INTO marts.dim_device VALUES (%s, %s, '某处', '某处', '341602001001', '341602001001', NULL,"
        " 115.78, 33.85, true, 50, 25, 10, 2, 60)",
        (device, kind),
    )
    return device


def arrives(dbt: psycopg.Connection[Any], device: str, minute: float, value: float) -> None:
    """The reading stands in the warehouse."""
    dbt.execute(
        "INSERT INTO marts.fct_sensor_reading VALUES (%s, 'methane_lel_percent', %s, %s, 'good',"
        " clock_timestamp())",
        (device, BEGIN + timedelta(minutes=minute), value),
    )


def signals(settings: Settings, device: str) -> list[tuple[str, str, float]]:
    """Kind, class and minute of each signal of a device, in the order in which they were added."""
    with connect(settings, DatabaseRole.DESK) as desk:
        enter(desk, SYSTEM)
        rows = desk.execute(
            "SELECT kind, class_code, observed_at FROM ops.signal WHERE source_id = %s ORDER BY id", (device,)
        ).fetchall()
    return [(kind, code, round((at - BEGIN).total_seconds() / 60, 3)) for kind, code, at in rows]


def cases(device: str) -> list[Any]:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        return list(Case.objects.filter(source_id=device).order_by("id"))


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(limits=limits_of_all_kinds, steps=series)
def test_message_by_message_it_says_what_a_brute_force_says(
    limits: Plain, steps: list[tuple[int, float]]
) -> None:
    own = Limits(
        *(limits.raise_at, limits.hysteresis, 1, timedelta(minutes=limits.minutes)),
        limits.readings,
        limits.clear_after,
    )
    readings: list[tuple[float, float]] = []
    minute, standing, told = 0, None, []
    for step, value in steps:
        minute += step
        readings.append((float(minute), value))
        standing, said = follow(standing, BEGIN + timedelta(minutes=minute), value, own)
        if said:
            told.append((said, float(minute)))
        if standing is not None and standing.ended_at is not None:
            standing = None
    expected = []
    for _, confirmed, ended in spells_of(readings, limits):
        if confirmed is not None:
            expected += [("detected", confirmed)] + ([("cleared", ended)] if ended is not None else [])
    assert told == expected


@pytest.mark.parametrize(
    ("payload", "is_one"),
    [
        (message(0, 30), True),
        (message(0, "30.5"), True),
        (message(0, 30, q="bad"), False),
        (message(0, 30, metric="noise_db"), False),
        (message(0, "high"), False),
        (message(0, float("nan")), False),
        (b"not json", False),
        (b"[1, 2]", False),
        (b'{"m": "methane_lel_percent", "q": "good", "v": 30, "t": 99999999999999999999}', False),
        (b'{"m": "methane_lel_percent", "q": "good", "v": 30, "t": "2026-01-01T08:00:00"}', False),
        (b'{"m": "methane_lel_percent", "q": "good", "v": 30, "t": "2026-01-01T08:00:00+08:00"}', True),
    ],
    ids=range(11),  # a message tells the moment it was made at; each worker's would be another
)
def test_what_is_a_reading_of_a_rule(payload: bytes, is_one: bool) -> None:
    rules = {one.file.id: one for one in live_rules(get_settings(), {LIVE.id: LIVE})}
    assert set(rules) == {"flood_waterlogging", "gas_leak_monitoring", "manhole_cover_anomaly"}
    record = record_of(LIVE, {"device_kind": "gas", "device_id": "341602G1"}, payload)
    reading = None if record is None else rules["gas_leak_monitoring"].reader.reading(record)
    assert (reading is not None) == is_one


@pytest.mark.parametrize("more", [{"over": {"minutes": 15, "take": "mean"}}, {"minus": "place.limit"}])
def test_a_rule_that_a_message_cannot_answer_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a message alone answers only"):
        reading_rule(Plain(1, 0, 0, 1, 1), live=LIVE.id, **more)


def test_a_dataset_without_the_column_is_named() -> None:
    _, rule = reading_rule(Plain(1, 0, 0, 1, 1), live=LIVE.id)
    assert isinstance(rule, ReadingRule)
    lacking = LIVE.model_copy(
        update={"columns": [column for column in LIVE.columns if column.name != "value"]}
    )
    with pytest.raises(ValueError, match="no column value"):
        MessageReader(lacking, rule)


@pytest.mark.integration
def test_a_leak_is_a_case_at_its_second_message_and_the_sweep_opens_no_other(
    offices: Settings, ground: psycopg.Connection[Any]
) -> None:
    from citybrain.events.intake import take_in

    device = add_device(ground)
    near = add_device(ground)
    take_in()
    watch = Watch(offices, {LIVE.id: LIVE})
    watch.settle()  # reads the register
    topic = {"device_kind": "gas", "device_id": device}
    for minute in (0, 1):
        watch.hear(LIVE.id, {**topic, "device_id": near}, message(minute, 9.9))
        watch.hear(LIVE.id, topic, message(minute, 12))
    watch.hear(LIVE.id, topic, message(1, 12))  # sent again
    assert watch.settle() == 1
    assert signals(offices, device) == [("detected", "level_3", 1)] and signals(offices, near) == []
    assert take_in()["opened"] == 1
    (case,) = cases(device)
    assert case.state == "dispatched" and case.place_id == "" and case.place_name == "某处"

    file = next(one.file for one in watch.rules if one.file.id == "gas_leak_monitoring")
    with connect(offices, DatabaseRole.SENSOR, autocommit=True) as sensor:

        def swept() -> list[Any]:
            return sweep_rule(sensor, file, file.rules[0]).signals

        arrives(ground, device, -30, 1)  # the warehouse is behind: it takes nothing back
        assert swept() == []
        arrives(ground, device, 0, 12)
        assert swept() == []
        arrives(ground, device, 1, 12)
        assert swept() == []
        for minute in (2, 3, 4):
            watch.hear(LIVE.id, topic, message(minute, 1))
        assert watch.settle() == 1
        assert signals(offices, device)[-1] == ("cleared", "level_3", 4)
        for minute in (2, 3, 4):
            arrives(ground, device, minute, 1)
            assert swept() == []
    take_in()
    assert [one.state for one in cases(device)] == ["closed"] and len(signals(offices, device)) == 2
    watch.close()


@pytest.mark.integration
def test_what_the_gate_held_is_taken_back_as_soon_as_the_warehouse_is_past_it(
    offices: Settings, ground: psycopg.Connection[Any]
) -> None:
    device = add_device(ground)
    watch = Watch(offices, {LIVE.id: LIVE})
    watch.settle()
    for minute in (0, 1):
        watch.hear(LIVE.id, {"device_id": device}, message(minute, 900))  # no share of a limit
    watch.settle()
    told = [kind for kind, _, _ in signals(offices, device)]
    assert told == ["detected"] * 3
    watch.close()
    file = next(one.file for one in watch.rules if one.file.id == "gas_leak_monitoring")
    with connect(offices, DatabaseRole.SENSOR, autocommit=True) as sensor:
        arrives(ground, device, 2, 1)
        swept = sweep_rule(sensor, file, file.rules[0])
        assert [signal.kind for signal in swept.signals] == ["cleared"] * 3


@pytest.mark.integration
def test_a_database_that_is_away_costs_no_word(
    offices: Settings, ground: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    device = add_device(ground)
    watch = Watch(offices, {LIVE.id: LIVE})
    watch.settle()

    def away(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("nobody there")

    with monkeypatch.context() as patch:
        patch.setattr("citybrain.sensing.live.connect", away)
        watch.close()
        for minute in (0, 1):
            watch.hear(LIVE.id, {"device_id": device}, message(minute, 12))
        assert watch.settle() == 0
    monkeypatch.setattr("citybrain.sensing.live.PAUSE_SECONDS", 0.0)
    watch._rest_until = 0.0
    assert watch.settle() == 1
    watch.close()


class Stream:
    """One device, heard, settled and killed while its rows arrive and are swept, in any order of these."""

    def __init__(self, settings: Settings, dbt: psycopg.Connection[Any], limits: Plain) -> None:
        self.settings, self.dbt = settings, dbt
        self.file, self.rule = self._rules(limits)
        self.device = add_device(dbt)
        self.sensor = connect(settings, DatabaseRole.SENSOR, autocommit=True)
        self.begin()

    @staticmethod
    def _rules(limits: Plain) -> tuple[RuleFile, ReadingRule]:
        file, rule = reading_rule(limits, live=LIVE.id)
        assert isinstance(rule, ReadingRule)
        return file, rule

    def begin(self) -> None:
        """A process begins, whatever the one before had in its memory."""
        self.one = LiveRule(self.file, self.rule, MessageReader(LIVE, self.rule))
        self.one.limits = limits_of(self.sensor, self.file.register, self.rule)
        self.one.standing = load_standing(self.sensor, self.file, self.rule)
        for (subject, _), standing in self.one.standing.items():
            self.one.judged_until[subject] = standing.judged_until

    def hear(self, minute: float, value: float) -> None:
        record = record_of(LIVE, {"device_id": self.device}, message(minute, value))
        assert record is not None
        self.one.hear(record, datetime.now(UTC))

    def settle(self) -> None:
        one = self.one
        if one.dirty:
            write(self.sensor, one.file, one.rule, one.dirty, one.standing, one.said)
            assert not one.dirty

    def sweep(self) -> None:
        done = sweep_rule(self.sensor, self.file, self.rule)
        assert done.state in ("swept", "unchanged"), done.state

    def spells(self) -> list[tuple[float | None, ...]]:
        rows = self.sensor.execute(
            "SELECT started_at, confirmed_at, ended_at FROM sensing.spell WHERE subject = %s ORDER BY 1",
            (self.device,),
        ).fetchall()
        return [
            tuple(None if at is None else (at - BEGIN).total_seconds() / 60 for at in row) for row in rows
        ]


def told_of(spells: list[Any]) -> list[tuple[str, str, float]]:
    told = []
    for _, confirmed, ended in spells:
        if confirmed is not None:
            told.append(("detected", "all", confirmed))
            told += [("cleared", "all", ended)] if ended is not None else []
    return told


@pytest.mark.integration
@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(one, marks=pytest.mark.slow) for one in range(8, 80))]
)
def test_any_order_of_hearing_killing_arriving_and_sweeping_tells_each_thing_once(
    offices: Settings, ground: psycopg.Connection[Any], seed: int
) -> None:
    luck = random.Random(seed)
    limits = Plain(15, 3, luck.choice([0, 10]), luck.choice([1, 2]), luck.choice([1, 2]))
    readings = [(5.0 * step, luck.choice([0.0, 13.0, 13.0, 16.0, 30.0])) for step in range(40)]
    held = {step for step in range(39) if luck.random() < 0.1} if seed % 4 == 3 else set()
    stream = Stream(offices, ground, limits)
    heard = safe = landed = 0
    while landed < len(readings):
        match luck.choice(["hear", "hear", "hear", "settle", "arrive", "sweep", "kill"]):
            case "hear" if heard < len(readings):
                stream.hear(*readings[heard])
                heard += 1
            case "settle":
                stream.settle()
                safe = heard
            case "arrive" if landed < heard:
                stream.settle()  # what was received is settled before it is acknowledged as landed
                safe = heard
                for step in range(landed, heard):
                    if step not in held:
                        arrives(ground, stream.device, *readings[step])
                landed = heard
            case "sweep":
                stream.sweep()
            case "kill":
                stream.begin()
                heard = max(0, min(safe, landed) - luck.randrange(4))  # the broker sends again
            case _:
                pass
    stream.settle()
    stream.sweep()
    expected = spells_of([one for step, one in enumerate(readings) if step not in held], limits)
    assert stream.spells() == [tuple(one) for one in expected]
    told = signals(offices, stream.device)
    if not held:
        assert told == told_of(expected)
    standing = bool(expected) and expected[-1][1] is not None and expected[-1][2] is None
    assert (bool(told) and told[-1][0] == "detected") == standing
    stream.sensor.close()


def test_a_spell_that_never_lasted_leaves_nothing() -> None:
    limits = Limits(15, 3, 1, timedelta(minutes=10), 2, 1)
    standing: Standing | None
    standing, said = follow(None, BEGIN, 20, limits)
    assert standing is not None and said == ""
    assert follow(standing, BEGIN + timedelta(minutes=5), 1, limits) == (None, "")
