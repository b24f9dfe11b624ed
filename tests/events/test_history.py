"""The past, told and written: only what the rules allow, whole or not at all, once."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from fire_lane import COMPANY, VILLAGE

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.told import HistoryRefusedError, ToldCase, ToldStep
from citybrain.settings import DatabaseRole, Settings

FOUND = datetime(2026, 3, 18, 9, 0, tzinfo=SHANGHAI)  # a Wednesday
NOW = datetime(2026, 3, 20, 9, 0, tzinfo=SHANGHAI)
DESK, HANDLER = "data_resources", "urban_management"


def after(minutes: int) -> datetime:
    return FOUND + timedelta(minutes=minutes)


def steps(handled: int = 60, checked: str = "approve", photo: bool = True) -> list[ToldStep]:
    """A case of exposed rubbish (four working hours), from finding to its check."""
    return [
        ToldStep("register", FOUND),
        ToldStep("confirm", after(5), "acceptor", DESK),
        ToldStep("file", after(6), "acceptor", DESK),
        ToldStep("dispatch", after(10), "dispatcher", DESK, handler=HANDLER),
        ToldStep("accept", after(12), "department_handler", HANDLER),
        ToldStep("handle", after(handled), "department_handler", HANDLER, photo=photo),
        ToldStep("request_check", after(handled)),
        ToldStep(checked, after(handled + 10), "dispatcher", DESK, reason="已核查"),
    ]


def told(path: list[ToldStep], number: str = "", **changes: Any) -> ToldCase:
    case = ToldCase(
        number=number or f"BZ-20260318-T{uuid.uuid4().hex[:8]}",
        scenario="street_order",
        class_code="exposed_rubbish",
        place_id="spot-1",
        place_name="某街道1号点",
        area_code=VILLAGE,
        source_kind="collector",
        found_at=FOUND,
        steps=tuple(path),
    )
    return case._replace(**changes)


def write(cases: list[ToldCase], key: str = "") -> Any:
    from citybrain.events import write_history

    return write_history(key or f"test:{uuid.uuid4().hex}", cases, NOW)


def kept(number: str) -> Any:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        case = Case.objects.select_related("handler", "lead").filter(number=number).first()
        if case is not None:
            case.told_steps = list(case.transitions.all())
            case.told_clocks = {clock.stage: clock for clock in case.clocks.all()}
        return case


def test_a_told_case_stands_as_a_lived_one_would(city: Settings) -> None:
    case = told(steps(handled=8 * 60))
    written = write([case])
    assert (written.cases, written.steps, written.clocks, written.fresh) == (1, 8, 4, True)
    found = kept(case.number)
    assert (found.state, found.version, found.rework_count, found.origin) == ("closed", 8, 0, "synthetic")
    assert (found.handler.code, found.lead.code, found.class_small) == (HANDLER, "urban_management", "99")
    assert (found.filed_at, found.handled_at, found.closed_at) == (after(6), after(480), after(490))
    assert found.deadline_at is None
    assert found.title == "暴露垃圾：某街道1号点"
    handling = found.told_clocks["handle"]
    # from 09:10 to 17:00 without the two hours at noon, of four hours
    assert (handling.consumed_seconds, handling.overdue, handling.state) == (21_000, True, "stopped")
    assert [step.from_state for step in found.told_steps][:3] == ["", "detected", "confirmed"]
    assert all(step.actor_id is None and step.data["history"] for step in found.told_steps)
    assert found.told_steps[4].organisation_id == found.handler_id


def test_a_case_that_is_open_keeps_its_running_limit(city: Settings) -> None:
    case = told(steps()[:5])
    write([case])
    found = kept(case.number)
    assert (found.state, found.deadline_at) == ("accepted", after(4 * 60 + 10 + 120))
    handling = found.told_clocks["handle"]
    assert (handling.state, handling.level, handling.overdue) == ("running", 3, True)


def _without(action: str) -> list[ToldStep]:
    return [step for step in steps() if step.action != action]


REFUSED = {
    "no such step": (_without("confirm"), "no such step from detected"),
    "check skipped": (_without("request_check"), "request_check follows at once"),
    "no photo": (steps(photo=False), "after_photo"),
    "handled by the desk": (
        [s._replace(role="dispatcher", organisation=DESK) if s.action == "accept" else s for s in steps()],
        "dispatcher may not take it",
    ),
    "handled elsewhere": (
        [step._replace(organisation="transport") if step.action == "handle" else step for step in steps()],
        "own_organisation",
    ),
    "checks itself": (
        [step._replace(organisation=HANDLER) if step.action == "approve" else step for step in steps()],
        "another_person",
    ),
    "no reason": (
        [step._replace(reason="") if step.action == "approve" else step for step in steps()],
        "reason_given",
    ),
    "back in time": (
        [step._replace(at=after(1)) if step.action == "dispatch" else step for step in steps()],
        "is not between",
    ),
    "in the future": (
        [step._replace(at=NOW + timedelta(1)) if step.action == "approve" else step for step in steps()],
        "is not between",
    ),
    "unknown handler": (
        [step._replace(handler="nobody") if step.action == "dispatch" else step for step in steps()],
        "no organisation nobody",
    ),
    "the platform approves": (
        [step._replace(role="", organisation="") if step.action == "approve" else step for step in steps()],
        "the platform may not take it",
    ),
    "after the end": (
        [*steps(), ToldStep("void", after(90), "acceptor", DESK, "重复")],
        "no such step from closed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_rules_do_not_allow_is_not_written_nor_its_batch(city: Settings, what: str) -> None:
    path, said = REFUSED[what]
    good, bad = told(steps()), told(path)
    with pytest.raises(HistoryRefusedError, match=said) as refused:
        write([good, bad])
    assert bad.number in str(refused.value)
    assert kept(good.number) is None


def test_a_class_or_a_place_that_is_not_there_is_refused(city: Settings) -> None:
    with pytest.raises(HistoryRefusedError, match="no class"):
        write([told(steps(), scenario="street_order", class_code="unheard_of")])
    with pytest.raises(HistoryRefusedError, match="place_known"):
        write([told(steps(), place_name="")])


def test_a_batch_is_written_once_and_the_ledger_has_it(city: Settings) -> None:
    from citybrain.events.history import batch_hash
    from citybrain.events.scope import as_system

    key, cases = f"test:{uuid.uuid4().hex}", [told(steps()) for _ in range(3)]
    first, again = write(cases, key), write(cases, key)
    assert (first.fresh, again.fresh) == (True, False)
    assert again.sha256 == first.sha256
    assert len(kept(cases[0].number).told_steps) == 8
    with as_system():
        assert batch_hash([case.number for case in cases]) == first.sha256
        assert batch_hash([case.number for case in cases[:2]]) != first.sha256
    with pytest.raises(HistoryRefusedError, match="with other cases"):
        write(cases[:2], key)
    with psycopg.connect(city.dsn(DatabaseRole.OWNER)) as owner:
        entries = owner.execute(
            "SELECT kind, payload ->> 'sha256', (payload ->> 'steps')::int"
            " FROM ledger.entry WHERE subject = %s",
            (f"case_history:{key}",),
        ).fetchall()
    assert entries == [("case_history", first.sha256, 24)]


def test_told_cases_are_found_by_their_words(city: Settings) -> None:
    cases = [told(steps()) for _ in range(3)]
    numbers = [case.number for case in cases]
    write(cases)
    with psycopg.connect(city.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute("SELECT set_config('citybrain.scope', 'system', true)")
        found = owner.execute(
            "SELECT c.number FROM ops.event_case c JOIN ops.case_words w ON w.case_id = c.id"
            " WHERE c.number = ANY(%s) AND w.pairs @> ops.letter_pairs(c.number)"
            " AND w.pairs @> ops.letter_pairs('街道1号') ORDER BY c.number",
            (numbers,),
        ).fetchall()
    assert found == [(number,) for number in sorted(numbers)]


def test_a_batch_that_breaks_off_leaves_nothing(city: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from citybrain.events import history

    key, cases = f"test:{uuid.uuid4().hex}", [told(steps())]

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(history, "_record", killed)
        write(cases, key)
    assert kept(cases[0].number) is None
    assert write(cases, key).fresh


def test_nobody_is_told_of_the_past_and_people_go_on_with_it(
    city: Settings, people: Any, asked_by: Any
) -> None:
    from citybrain.events.acting import apply
    from citybrain.events.scope import as_system

    case = told(steps()[:3])
    write([case])
    found = kept(case.number)
    dispatcher = people("dispatcher")
    with as_system():
        assert not found.notifications.exists()
    company = people("property").organisation
    assert company.code == COMPANY
    with asked_by(dispatcher):
        moved = apply(found, "dispatch", dispatcher, organisation=company)
    assert (moved.state, moved.version) == ("dispatched", 4)


def test_the_desk_shows_that_a_past_step_came_with_its_batch(city: Settings) -> None:
    from citybrain.desk.cases.proof import proofs
    from citybrain.events.scope import as_system

    case = told(steps())
    write([case])
    with as_system():
        found = kept(case.number)
        assert set(proofs(found, found.told_steps).values()) == {"batch"}
