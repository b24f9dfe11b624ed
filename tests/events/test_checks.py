"""The machine's second look: clear closes, occupied sends back, what it cannot read goes to a person."""

import io
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fire_lane import Spot
from PIL import Image

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect


def photo() -> io.BytesIO:
    content = io.BytesIO()
    Image.frombytes("RGB", (320, 240), secrets.token_bytes(320 * 240 * 3)).save(content, "JPEG")
    content.seek(0)
    return content


@pytest.fixture
def handle(people: Callable[[str], Any], asked_by: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Upload a new photo and report the case handled; its request's key."""

    def work(case: Any) -> str:
        from citybrain.events.acting import apply
        from citybrain.events.models import Evidence
        from citybrain.events.photos import add_photo

        company = people("property")
        with asked_by(company):
            if case.state == "dispatched":
                case = apply(case, "accept", company)
            added = add_photo(case, photo(), Evidence.Kind.AFTER, company)
            assert apply(case, "handle", company).state == "checking"
        return f"{case.number}:{added.sha256}"

    return work


@pytest.fixture
def case(spot: Spot) -> Any:
    from citybrain.events.intake import take_in

    spot.send()
    take_in()
    return spot.case()


def says(settings: Settings, key: str, verdict: str | None) -> None:
    """What a vision worker writes; None for a check that failed."""
    with connect(settings, DatabaseRole.WATCHER, autocommit=True) as watcher:
        changed = watcher.execute(
            "UPDATE vision.recheck SET state = %s, verdict = %s, done_at = now() WHERE key = %s",
            ("done" if verdict else "failed", verdict, key),
        )
        assert changed.rowcount == 1


def followed() -> dict[str, int]:
    from citybrain.events.verdicts import follow_verdicts

    return dict(follow_verdicts())


def test_a_clear_photo_closes_the_case(case: Any, handle: Callable[[Any], str], spot: Spot) -> None:
    key = handle(case)
    assert followed() == {}  # no verdict yet
    says(spot.settings, key, "clear")
    assert followed() == {"pass_check": 1}
    closed = spot.case()
    assert (closed.state, closed.rework_count) == ("closed", 0)
    assert closed.closed_at is not None and closed.deadline_at is None


@pytest.mark.parametrize("verdict", ["occupied", "doubtful"])
def test_a_lane_still_blocked_goes_back_with_what_remains_of_its_time(
    case: Any, handle: Callable[[Any], str], spot: Spot, verdict: str
) -> None:
    from citybrain.events.scope import as_system

    first = handle(case)
    says(spot.settings, first, verdict)
    assert followed() == {"fail_check": 1}
    back = spot.case()
    assert (back.state, back.rework_count) == ("rework", 1)
    with as_system():
        assert back.deadline_at == back.clocks.get(stage="handle").due_at
        told = back.notifications.filter(reason="fail_check").get()
        assert "重新处置" in told.body
    second = handle(back)
    assert second != first
    says(spot.settings, second, "clear")
    assert followed() == {"pass_check": 1}


@pytest.mark.parametrize("verdict", ["unreadable", None])
def test_what_no_machine_can_tell_a_person_checks_who_did_not_handle_it(
    case: Any,
    handle: Callable[[Any], str],
    spot: Spot,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    verdict: str | None,
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply

    says(spot.settings, handle(case), verdict)
    assert followed() == {"ask_person": 1}
    assert followed() == {}  # told once
    asked = spot.case()
    assert asked.state == "checking"
    company, dispatcher = people("property"), people("dispatcher")
    with asked_by(company), pytest.raises(CaseRefusedError, match="不办理"):
        apply(asked, "approve", company, reason="已清空")
    with asked_by(dispatcher), pytest.raises(CaseRefusedError, match="理由"):
        apply(asked, "approve", dispatcher)
    with asked_by(dispatcher):
        assert apply(asked, "approve", dispatcher, reason="照片虽暗，可见通道已空").state == "closed"


def test_a_patrol_that_sees_the_lane_clear_is_a_check(
    case: Any, handle: Callable[[Any], str], spot: Spot
) -> None:
    from citybrain.events.intake import take_in

    handle(case)
    spot.send("cleared", at=datetime.now(SHANGHAI))
    assert dict(take_in()) == {"cleared": 1}
    assert spot.case().state == "closed"


def test_what_waits_for_machines_is_counted(spot: Spot, handle: Callable[[Any], str]) -> None:
    from citybrain.events.counting import waiting_for_machines
    from citybrain.events.intake import take_in

    before = waiting_for_machines(spot.settings)
    spot.send()
    assert waiting_for_machines(spot.settings) == before + 1
    take_in()
    assert waiting_for_machines(spot.settings) == before
    key = handle(spot.case())
    assert waiting_for_machines(spot.settings) == before + 1
    says(spot.settings, key, "unreadable")
    followed()
    assert waiting_for_machines(spot.settings) == before, "a person checks it now"
