"""One case from many signals, in whatever order and by however many workers; and its undoing."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fire_lane import VILLAGE

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import Settings

START = datetime(2026, 11, 20, 8, 0, tzinfo=SHANGHAI)
LAT = Decimal("33.85")


@pytest.fixture
def corner() -> dict[str, Any]:
    """A corner of its own, a kilometre from every other test's, so that they do not meet in one case."""
    return {"lon": Decimal(uuid.uuid4().int % 10_000) / 100, "lat": LAT}


def taken(most: int = 500) -> dict[str, int]:
    from citybrain.events.intake import take_in

    return dict(take_in(most))


def signal(corner: dict[str, Any], **changes: Any) -> Any:
    """A signal as any room may add one: by position alone, unless it says more."""
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    told = {
        "key": uuid.uuid4().hex,
        "scenario": "street_order",
        "class_code": "exposed_rubbish",
        "kind": "detected",
        "source_kind": "collector",
        "place_name": "某路口",
        "area_code": VILLAGE,
        "observed_at": START,
        "origin": "synthetic",
        **corner,
        **changes,
    }
    with as_system():
        return Signal.objects.create(**told)


def case_of(one: Any) -> Any:
    from citybrain.events.scope import as_system

    with as_system():
        one.refresh_from_db()
        return one.case


def told(case: Any) -> set[tuple[str, str]]:
    from citybrain.events.scope import as_system

    with as_system():
        return {
            (reason.split(":")[0], code)
            for reason, code in case.notifications.values_list("reason", "organisation__code")
        }


def test_camera_hotline_and_collector_meet_in_one_case_and_every_reporter_is_told(
    city: Settings,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    corner: dict[str, Any],
) -> None:
    from citybrain.events.acting import apply

    grid, acceptor = people("grid"), people("acceptor")
    first = signal(corner, source_kind="hotline")
    near = {**corner, "lat": corner["lat"] + Decimal("0.0003")}  # 33 m away
    second = signal(near, source_kind="collector", reporter=grid, observed_at=START + timedelta(hours=2))
    camera = f"V{uuid.uuid4().hex[:8]}"
    third = signal(
        corner, source_kind="video", source_id=camera, zone="kerb", observed_at=START + timedelta(hours=3)
    )
    assert taken() == {"opened": 1, "attached": 2}
    case = case_of(first)
    assert case_of(second).pk == case_of(third).pk == case.pk
    assert (case.source_kinds, case.sightings, case.source_id) == (
        ["hotline", "collector", "video"],
        *(3, camera),
    )
    assert told(case) == set(), "nobody is told before it is filed"
    with asked_by(acceptor):
        case = apply(apply(case, "confirm", acceptor), "file", acceptor)
    assert told(case) == {
        ("file", code) for code in ("urban_management", "hotline_centre", grid.organisation.code)
    }
    late = signal(near, reporter=grid, observed_at=START + timedelta(hours=4))
    assert taken() == {"attached": 1}
    assert case_of(late).pk == case.pk and ("joined", grid.organisation.code) in told(case)


@pytest.mark.parametrize(
    ("moved", "later", "class_code"),
    [
        (Decimal("0.0006"), timedelta(0), "exposed_rubbish"),  # 67 m away
        (Decimal(0), timedelta(hours=25), "exposed_rubbish"),
        (Decimal(0), timedelta(0), "piled_material"),
    ],
)
def test_another_place_time_or_class_is_another_case(
    city: Settings, corner: dict[str, Any], moved: Decimal, later: timedelta, class_code: str
) -> None:
    first = signal(corner)
    other = {**corner, "lat": corner["lat"] + moved}
    second = signal(other, observed_at=START + later, class_code=class_code)
    assert taken() == {"opened": 2}
    assert case_of(first).pk != case_of(second).pk


def _told_signals(corner: dict[str, Any], grid: Any) -> list[dict[str, Any]]:
    """What three sources say of one car in one lane, from its coming to its going."""
    camera, place = f"O{uuid.uuid4().hex[:8]}", f"P{uuid.uuid4().hex[:8]}"
    lane = {"scenario": "fire_lane_occupancy", "class_code": "all", "place_id": place}
    by_camera = lane | {"source_kind": "video", "source_id": camera, "zone": "lane", "class_code": "car"}
    return [
        lane | {"source_kind": "hotline", "observed_at": START, "place_name": "东门"},
        by_camera | {"observed_at": START + timedelta(minutes=1), "place_name": "合欢苑"},
        lane | {"observed_at": START + timedelta(minutes=2), "reporter": grid},
        by_camera | {"observed_at": START + timedelta(minutes=3)},
        by_camera | {"observed_at": START + timedelta(minutes=4), "class_code": "truck"},
        by_camera | {"kind": "cleared", "observed_at": START + timedelta(minutes=6), "class_code": "truck"},
        by_camera | {"kind": "cleared", "observed_at": START + timedelta(minutes=7)},
    ]


def _state(case: Any) -> dict[str, Any]:
    """Everything that a case says of itself, but for what names it and when it was taken in."""
    names = (
        *(
            "scenario",
            "class_code",
            "title",
            "place_name",
            "area_code",
            "source_kind",
            "source_kinds",
            "zone",
        ),
        *("state", "lead_id", "handler_id", "reporter_id", "reporter_organisation_id", "urgent", "found_at"),
        *("sightings", "last_seen_at", "cleared_at", "rework_count", "origin"),
    )
    return {name: getattr(case, name) for name in names}


def test_twenty_orders_of_arrival_lead_to_one_state(
    city: Settings, people: Callable[[str], Any], corner: dict[str, Any]
) -> None:
    grid, draw = people("grid"), random.Random(20)
    states = []
    for number in range(20):
        signals = _told_signals(corner, grid)
        if number:
            draw.shuffle(signals)
        rows = [signal(corner, **one) for one in signals]
        taken(draw.choice([1, 3, 500]))
        while taken():
            pass
        cases = {case_of(row).pk: row.case for row in rows}
        assert len(cases) == 1
        (case,) = cases.values()
        states.append(_state(case))
        assert {code for _, code in told(case)} >= {grid.organisation.code, "hotline_centre"}
    assert states[0]["found_at"] == START and states[0]["cleared_at"] == START + timedelta(minutes=7)
    assert states[0]["state"] == "filed" and states[0]["sightings"] == 5
    for state in states[1:]:
        assert state == states[0]


def test_eight_racing_sweeps_open_one_case_a_place(city: Settings, corner: dict[str, Any]) -> None:
    """Half of the places are known by a camera, half by their position alone."""
    places = [
        {**corner, "lat": corner["lat"] + Decimal(number) / 100, "lon": corner["lon"]} for number in range(6)
    ]
    mark = uuid.uuid4().hex[:8]
    rows = [
        signal(place, **({"source_kind": "video", "source_id": f"R{mark}{number}"} if number % 2 else {}))
        for _ in range(4)
        for number, place in enumerate(places)
    ]

    def sweep(_number: int) -> None:
        from django.db import connection

        try:
            while taken(3):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(sweep, range(8)))
    cases = [case_of(row) for row in rows]
    assert all(case is not None for case in cases)
    assert len({case.pk for case in cases}) == len(places)
    assert {case.sightings for case in cases} == {4}


def test_a_duplicate_becomes_part_of_another_case_with_its_reporters(
    city: Settings,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    corner: dict[str, Any],
) -> None:
    from citybrain.events.acting import CaseRefusedError
    from citybrain.events.merging import join
    from citybrain.events.scope import as_system

    acceptor, grid = people("acceptor"), people("grid")
    far = {**corner, "lat": corner["lat"] + Decimal("0.002")}
    rows = [
        signal(corner),
        signal(far, reporter=grid, source_kind="hotline", observed_at=START - timedelta(1)),
    ]
    other_class = signal(far, class_code="piled_material")
    taken()
    target, source = (case_of(row) for row in rows)
    with asked_by(acceptor), pytest.raises(CaseRefusedError, match="同一类别"):
        join(case_of(other_class), target, acceptor, "同一处")
    with asked_by(acceptor), pytest.raises(CaseRefusedError, match="理由"):
        join(source, target, acceptor, "")
    with asked_by(people("dispatcher")), pytest.raises(CaseRefusedError, match="不办理"):
        join(source, target, people("dispatcher"), "同一处")
    with asked_by(acceptor):
        joined = join(source, target, acceptor, "同一处")
    with as_system():
        source.refresh_from_db()
        target.refresh_from_db()
        assert [step.action for step in target.transitions.all()] == ["register", "absorb"]
        assert target.transitions.last().actor_id == acceptor.pk
    assert (source.state, joined.pk, target.sightings) == ("voided", target.pk, 2)
    assert target.source_kinds == ["hotline", "collector"] and target.found_at == START - timedelta(1)
    assert {code for _, code in told(source)} >= {"hotline_centre"}


def test_signals_that_do_not_belong_get_a_case_of_their_own(
    city: Settings,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    corner: dict[str, Any],
) -> None:
    from citybrain.events.acting import CaseRefusedError
    from citybrain.events.merging import split
    from citybrain.events.scope import as_system

    acceptor, camera = people("acceptor"), f"S{uuid.uuid4().hex[:8]}"
    picture = {"bucket": "citybrain-evidence", "key": "ab/x.jpg", "sha256": "cd" * 32, "kind": "near"}
    own = signal(corner, source_kind="video", source_id=camera)
    first = signal(corner, observed_at=START + timedelta(minutes=1), evidence=[picture])
    signal(corner, observed_at=START + timedelta(minutes=2))
    taken()
    case = case_of(own)
    assert case.sightings == 3
    with asked_by(acceptor), pytest.raises(CaseRefusedError, match="自己发现"):
        split(case, [own.key], acceptor, "不是一件事")
    with asked_by(acceptor):
        fresh = split(case, [first.key], acceptor, "另一处垃圾")
    with as_system():
        case.refresh_from_db()
        fresh.refresh_from_db()
        assert (case.sightings, fresh.sightings, fresh.state) == (2, 1, "detected")
        assert (fresh.source_id, fresh.found_at) == ("", START + timedelta(minutes=1))
        assert [one.sha256 for one in fresh.evidence.all()] == ["cd" * 32]
        assert fresh.transitions.get().data["split_from"] == case.number
    assert case_of(first).pk == fresh.pk


def test_the_third_case_of_a_place_in_thirty_days_is_told(city: Settings, corner: dict[str, Any]) -> None:
    from citybrain.events.merging import repeats
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    place = {**corner, "place_id": f"T{uuid.uuid4().hex[:8]}"}
    cases = []
    for day in (-40, -20, -10, 0):
        row = signal(place, observed_at=START + timedelta(days=day))
        taken()
        cases.append(case_of(row))
        with as_system():  # it ended; how is no matter here
            Case.objects.filter(pk=cases[-1].pk).update(
                state="closed", closed_at=START + timedelta(days=day, hours=1)
            )
    with as_system():
        assert [repeats(case) for case in cases] == [1, 2, 2, 3]
    assert [bool(told(case)) for case in cases] == [False, False, False, True]
    assert told(cases[-1]) == {("repeats", "urban_management"), ("repeats", "data_resources")}
