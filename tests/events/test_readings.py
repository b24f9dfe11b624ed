"""Rounds and readings as a check: so many clear in a row, and a person where they and a photo disagree."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from fire_lane import VILLAGE, Spot
from test_machine import new_photo

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import Settings


def gauge(city: Settings) -> Spot:
    """A water gauge of its own place."""
    mark = uuid.uuid4().hex[:8]
    return Spot(city, f"W{mark}", zone="", place_id=f"P{mark}")


WATER = {"scenario": "flood_waterlogging", "class_code": "all", "source_kind": "iot", "area_code": VILLAGE}


def taken() -> dict[str, int]:
    from citybrain.events.intake import take_in

    return dict(take_in())


def actions(case: Any) -> list[str]:
    from citybrain.events.scope import as_system

    with as_system():
        return list(case.transitions.values_list("action", flat=True))


def test_a_flood_closes_when_so_many_readings_in_a_row_are_clear(city: Settings) -> None:
    point, now = gauge(city), datetime.now(SHANGHAI) - timedelta(minutes=30)
    point.send(at=now, **WATER)
    assert taken() == {"opened": 1}
    assert point.case().state == "dispatched" and point.case().handler.code == "flood_control"
    point.send("cleared", at=now + timedelta(minutes=5), **WATER)
    assert taken() == {"cleared": 1}
    assert point.case().state == "dispatched", "one reading of two"
    point.send(at=now + timedelta(minutes=10), **WATER)  # it rises again: the count begins anew
    point.send("cleared", at=now + timedelta(minutes=15), **WATER)
    taken()
    assert point.case().state == "dispatched"
    point.send("cleared", at=now + timedelta(minutes=20), **WATER)
    taken()
    case = point.case()
    assert (case.state, case.forced, case.deadline_at) == ("closed", False, None)
    assert actions(case)[-3:] == ["see_clear", "request_check", "pass_check"]


def test_a_signal_may_tell_how_many_readings_it_stands_for(city: Settings) -> None:
    from psycopg.types.json import Jsonb

    point, now = gauge(city), datetime.now(SHANGHAI) - timedelta(minutes=30)
    point.send(at=now, **WATER)
    point.send("cleared", at=now + timedelta(minutes=5), detail=Jsonb({"clear_rounds": 2}), **WATER)
    assert taken() == {"opened": 1, "cleared": 1}
    assert point.case().state == "closed"


def test_a_clearing_that_comes_first_waits_for_what_it_clears(city: Settings) -> None:
    point, now = gauge(city), datetime.now(SHANGHAI) - timedelta(minutes=30)
    for minute in (5, 10):
        point.send("cleared", at=now + timedelta(minutes=minute), **WATER)
    assert taken() == {"dropped": 2}
    point.send(at=now, **WATER)
    assert taken() == {"opened": 1}
    assert point.case().state == "closed"


def test_a_photo_and_a_round_that_disagree_are_for_a_person(
    spot: Spot, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from test_checks import says

    from citybrain.events.acting import apply
    from citybrain.events.scope import as_system
    from citybrain.events.verdicts import follow_verdicts

    spot.send()
    taken()
    company = people("property")
    with asked_by(company):
        apply(spot.case(), "accept", company)
    new_photo(spot.case(), company)
    with asked_by(company):
        apply(spot.case(), "handle", company)
    spot.send(at=datetime.now(SHANGHAI) + timedelta(seconds=1))  # a round sees the car after the handling
    taken()
    with as_system():
        key = spot.case().transitions.last().data["recheck_key"]
    says(spot.settings, key, "clear")
    assert dict(follow_verdicts()) == {"ask_person": 1}
    with as_system():
        data = spot.case().transitions.last().data
    assert (data["verdict"], data["photo_verdict"]) == ("disagree", "clear")
    spot.send("cleared", at=datetime.now(SHANGHAI) + timedelta(seconds=2))
    taken()
    assert spot.case().state == "checking", "a person was asked, and decides"
