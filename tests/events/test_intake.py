"""Signals become cases: filed and dispatched at once, merged, cleared, or kept as a device's health."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fire_lane import COMPANY, Spot

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import Settings

SHA = "ab" * 32


def taken() -> dict[str, int]:
    from citybrain.events.intake import take_in

    return dict(take_in())


def history(case: Any) -> list[str]:
    from citybrain.events.scope import as_system

    with as_system():
        return list(case.transitions.values_list("action", flat=True))


def test_a_confirmed_detection_reaches_the_compounds_company(spot: Spot) -> None:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    picture = {"bucket": "citybrain-evidence", "key": f"ab/{SHA}.jpg", "sha256": SHA, "kind": "before"}
    key = spot.send(evidence=[picture | {"width": 640, "height": 480}])
    assert taken() == {"opened": 1}
    case = spot.case()
    assert history(case) == ["register", "confirm", "file", "dispatch"]
    with as_system():
        assert (case.state, case.handler.code, case.lead.code) == ("dispatched", COMPANY, "fire_rescue")
        assert case.number.startswith("BZ-") and case.title == "违规占用消防通道：合欢苑"
        limits = {clock.stage: clock for clock in case.clocks.filter(state="running")}
        assert set(limits) == {"accept", "handle"}
        assert limits["handle"].due_at - limits["handle"].started_at == timedelta(minutes=30)
        assert case.deadline_at == limits["handle"].due_at
        assert [evidence.sha256 for evidence in case.evidence.all()] == [SHA]
        told = set(case.notifications.values_list("organisation__code", "reason", "channel"))
        assert told == {("fire_rescue", "file", "log"), (COMPANY, "dispatch", "log")}
        assert Signal.objects.get(key=key).case_id == case.pk


def test_what_is_urgent_is_taken_in_before_all_that_waits(spot: Spot) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    yard = Spot(spot.settings, spot.camera, zone="yard")
    yard.send(scenario="street_order", class_code="exposed_rubbish")
    spot.send()
    assert dict(take_in(1)) == {"opened": 1}
    with as_system():
        opened = Case.objects.filter(source_id=spot.camera).values_list("scenario", flat=True)
        assert list(opened) == ["fire_lane_occupancy"]
    assert taken() == {"opened": 1}


def test_the_same_spot_is_one_case_until_it_ends(spot: Spot) -> None:
    for class_code in ("car", "truck", "car"):
        spot.send(class_code=class_code)
    assert taken() == {"opened": 1, "attached": 2}
    assert spot.case().sightings == 3
    other = Spot(spot.settings, spot.camera, zone="second lane")
    other.send()
    assert taken() == {"opened": 1}
    assert other.case().number != spot.case().number or other.case().zone == "second lane"


def test_a_signal_that_comes_late_belongs_to_the_ended_case(
    spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from citybrain.events.acting import apply

    spot.send()
    taken()
    case, late = spot.case(), datetime.now(SHANGHAI)
    with asked_by(people("dispatcher")):
        apply(case, "void", people("dispatcher"), reason="现场是应急车辆")
    spot.send(at=late)
    assert taken() == {"attached": 1}
    assert spot.case().pk == case.pk
    spot.send(at=datetime.now(SHANGHAI))
    assert taken() == {"opened": 1}
    assert spot.case().pk != case.pk


def test_everything_seen_has_to_go_before_a_place_is_clear(spot: Spot) -> None:
    start = datetime.now(SHANGHAI) - timedelta(minutes=5)
    spot.send(class_code="car", at=start)
    spot.send(class_code="truck", at=start + timedelta(minutes=1))
    spot.send("cleared", class_code="truck", at=start + timedelta(minutes=2))
    taken()
    assert spot.case().cleared_at is None
    spot.send("cleared", class_code="car", at=start + timedelta(minutes=3))
    assert taken() == {"cleared": 1}
    assert spot.case().cleared_at == start + timedelta(minutes=3)
    spot.send(class_code="car", at=start + timedelta(minutes=4))
    taken()
    assert spot.case().cleared_at is None
    assert spot.case().state == "dispatched"  # noted; the handler's photo is still awaited


def test_a_device_that_sees_nothing_makes_no_case(spot: Spot) -> None:
    from citybrain.events.models import DeviceHealth
    from citybrain.events.scope import as_system

    newer = datetime.now(SHANGHAI)
    spot.send("health", class_code="black", at=newer)
    spot.send("health", class_code="frozen", at=newer - timedelta(hours=1))
    assert taken() == {"health": 2}
    assert spot.case() is None
    with as_system():
        assert DeviceHealth.objects.get(source_id=spot.camera).condition == "black"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "cleared"}, "no open case there"),
        ({"scenario": "street_order", "class_code": "elephants"}, "no class elephants"),
        ({"scenario": "air_quality"}, "no class car"),
        ({"evidence": [{"bucket": "x"}]}, "key"),
        ({"place_name": "长" * 300}, "too long"),
    ],
)
def test_a_signal_of_which_nothing_can_be_made_is_dropped_with_its_reason(
    spot: Spot, changes: dict[str, Any], reason: str
) -> None:
    from citybrain.events.models import Signal
    from citybrain.events.scope import as_system

    key = spot.send(**changes)
    spot.send()  # and does not hold up the next one
    assert taken() == {"dropped": 1, "opened": 1}
    with as_system():
        dropped = Signal.objects.get(key=key)
    assert dropped.state == "dropped"
    assert reason in dropped.dropped_because


def test_a_place_without_a_company_waits_for_the_dispatcher(spot: Spot) -> None:
    unknown = Spot(spot.settings, spot.camera, place_id="341602C999")
    unknown.send()
    taken()
    assert unknown.case().state == "filed"
    assert unknown.case().handler_id is None


def test_a_persons_report_and_a_camera_meet_in_one_case(
    spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from citybrain.events.models import Case
    from citybrain.events.reporting import report
    from citybrain.events.scope import as_system

    place = f"P{spot.camera}"
    grid = people("grid")
    with asked_by(grid):
        for _ in range(2):  # sent twice by a phone with a weak signal
            report(
                grid,
                "fire_lane_occupancy",
                "一辆车挡在门口",
                key="k1" + place,
                place_id=place,
                place_name="东门",
            )
    assert taken() == {"opened": 1}
    with as_system():
        case = Case.objects.get(place_id=place)
        assert (case.state, case.reporter_id, case.source_id) == ("detected", grid.pk, "")
    Spot(spot.settings, spot.camera, place_id=place).send()
    assert taken() == {"attached": 1}
    with as_system():
        case.refresh_from_db()
        assert (case.source_id, case.source_kinds) == (spot.camera, ["video", "collector"])


def test_a_report_without_a_position_lies_where_its_reporter_does(
    people: Callable[[str], Any], asked_by: Callable[[Any], Any], spot: Spot
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.events.reporting import report
    from citybrain.events.scope import as_system

    grid, acceptor = people("grid"), people("acceptor")
    with asked_by(grid), pytest.raises(CaseRefusedError, match="类别"):
        report(grid, "street_order", "门口一堆垃圾", key=spot.camera)
    with asked_by(grid):
        signal = report(grid, "street_order", "门口一堆垃圾", key=spot.camera, class_code="exposed_rubbish")
    assert signal.area_code == grid.organisation.area_code and "未定位" in signal.place_name
    assert taken() == {"opened": 1}
    with as_system():
        signal.refresh_from_db()
        case = signal.case
    with asked_by(acceptor):
        case = apply(apply(case, "confirm", acceptor), "file", acceptor)
    assert case.state == "filed"


def test_workers_that_race_open_one_case_for_a_spot(city: Settings, spot: Spot) -> None:
    spots = [Spot(city, f"{spot.camera}{number}") for number in range(5)]
    for _ in range(4):
        for one in spots:
            one.send()
    outcomes: list[dict[str, int]] = []

    def work() -> None:
        from django.db import connection

        try:
            outcomes.append(taken())
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    total = {name: sum(outcome.get(name, 0) for outcome in outcomes) for name in ("opened", "attached")}
    assert total == {"opened": 5, "attached": 15}
    assert [one.case().sightings for one in spots] == [4] * 5
