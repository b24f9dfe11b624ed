"""Random people taking random steps: no guard is passed by, and history replays to the table."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from fire_lane import Spot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_replay import case_now, replayed

from citybrain.events.rules import load_rules
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

PEOPLE = ("acceptor", "dispatcher", "commander", "fire_handler", "property", "grid", "auditor", None)
# The way to the end stands more often than what leads off it, or few cases would come far.
WAY = ("confirm", "file", "dispatch", "accept", "start", "handle", "approve", "reject", "appeal", "reopen")
ACTIONS = (*WAY, *WAY, *sorted({step.action for step in load_rules().transitions}))
attempts = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.sampled_from(PEOPLE),
        st.sampled_from(["", "理由"]),
        st.booleans(),  # names another handler
        st.booleans(),  # a new after-photo came before
        st.sampled_from(["clear", "occupied", "unreadable", None]),
    ),
    max_size=25,
)


def new_photo(case: Any, person: Any) -> None:
    """An after-photo as a row; what pictures are taken is `test_photos`' matter."""
    from django.utils import timezone

    from citybrain.events.models import Evidence
    from citybrain.events.scope import as_system

    with as_system():
        sha256 = secrets.token_hex(32)
        Evidence.objects.create(
            case=case,
            kind=Evidence.Kind.AFTER,
            bucket="citybrain-evidence",
            object_key=f"{sha256}.jpg",
            sha256=sha256,
            uploaded_by=person,
            added_at=timezone.now(),
        )


@given(attempts)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_people_try_the_rules_hold(
    city: Settings,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    tries: list[tuple[str, str | None, str, bool, bool, str | None]],
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.events.guards import may
    from citybrain.events.intake import take_in
    from citybrain.events.models import ENDED
    from citybrain.events.scope import as_system
    from citybrain.warehouse.row_scope import SYSTEM

    spot = Spot(city, f"M{secrets.token_hex(8)}")
    spot.send(score=0.9)
    take_in()
    case = spot.case()
    rules = load_rules()
    for action, name, reason, elsewhere, photo, verdict in tries:
        person = people(name) if name else None
        other = people("grid").organisation if elsewhere else None
        if photo and person is not None:
            new_photo(case, person)
        before, version, petition = case.state, case.version, case.petition
        step = rules.step(action, before)
        handler_before = case.handler_id
        try:
            with asked_by(person or SYSTEM):
                apply(case, action, person, reason=reason, organisation=other, data={"verdict": verdict})
            taken = True
        except CaseRefusedError:
            taken = False
        case = spot.case()
        if not taken:
            assert (case.state, case.version) == (before, version)
            continue
        assert step is not None and may(person, step)
        assert before not in ENDED or step.after_end
        assert step.answers in (None, petition)
        assert "reason_given" not in step.guards or reason
        if "own_organisation" in step.guards:
            assert person is not None and person.organisation_id == handler_before
        if "another_person" in step.guards:
            assert person is not None and person.organisation_id != handler_before
        if case.state == "closed" != before:
            assert verdict == "clear" or action in ("approve", "force_close")
            assert case.forced or case.evidence.filter(kind="after").exists()

    with as_system():
        steps = list(case.transitions.all())
        state, handled, photos = "", 0, list(case.evidence.filter(kind="after"))
        for number, step_taken in enumerate(steps, start=1):
            assert (step_taken.version, step_taken.from_state) == (number, state)
            assert rules.step(step_taken.action, state).leads_to(state) == step_taken.to_state  # type: ignore[union-attr]
            state = step_taken.to_state
            handled += step_taken.action == "handle"
        assert (state, len(steps)) == (case.state, case.version)
        sent_back = [one for one in steps if one.to_state == "rework" != one.from_state]
        assert case.rework_count == len(sent_back)
        assert not handled or photos
        assert (case.closed_at is not None) == (case.state in ENDED)
        running = case.clocks.filter(state="running")
        assert not (case.state in ENDED and running.exists())
        due = running.filter(stage="handle").first()
        assert case.deadline_at == (due.due_at if due else None)
    with connect(city, DatabaseRole.DESK) as connection:
        entries = [
            payload
            for (payload,) in connection.execute(
                "SELECT payload FROM ledger.entry WHERE subject = %s AND kind = 'case_transition'"
                " ORDER BY entry_id",
                (f"case:{case.number}",),
            )
        ]
    assert [entry["version"] for entry in entries] == [step_taken.version for step_taken in steps]
    assert replayed(entries, rules) == case_now(case)


@pytest.fixture
def dispatched(spot: Spot) -> Any:
    from citybrain.events.intake import take_in

    spot.send()
    take_in()
    return spot.case()


def test_a_stale_page_changes_nothing_and_a_form_sent_twice_counts_once(
    dispatched: Any, people: Callable[[str], Any], asked_by: Callable[[Any], Any], spot: Spot
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply

    company = people("property")
    with asked_by(company):
        apply(dispatched, "accept", company, version=dispatched.version, key="form-1")
        again = apply(dispatched, "accept", company, version=dispatched.version, key="form-1")
    assert again.state == "accepted"
    with asked_by(company), pytest.raises(CaseRefusedError, match="已有变化"):
        apply(dispatched, "start", company, version=dispatched.version)
    assert spot.case().version == dispatched.version + 1


def test_another_companys_case_is_not_there(
    dispatched: Any, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.warehouse.row_scope import RowScope

    stranger = people("property")
    with (
        asked_by(RowScope("organisation", stranger.pk, 999_999)),
        pytest.raises(CaseRefusedError, match="没有"),
    ):
        apply(dispatched, "accept", stranger)


def test_nobody_takes_a_step_in_anothers_name(
    dispatched: Any, people: Callable[[str], Any], asked_by: Callable[[Any], Any]
) -> None:
    from django.db import IntegrityError
    from django.utils import timezone

    from citybrain.events.models import Transition

    dispatcher = people("dispatcher")
    for actor in (people("property"), None):
        with pytest.raises(IntegrityError, match="in the name of who asks"), asked_by(dispatcher):
            Transition.objects.create(
                case=dispatched,
                version=99,
                from_state="dispatched",
                to_state="closed",
                action="approve",
                actor=actor,
                rules_version=1,
                at=timezone.now(),
            )


def test_a_returned_case_goes_to_another_handler_with_its_time_begun_anew(
    dispatched: Any, people: Callable[[str], Any], asked_by: Callable[[Any], Any], spot: Spot
) -> None:
    from citybrain.events.acting import actions_for, apply
    from citybrain.events.scope import as_system

    company, dispatcher, grid = people("property"), people("dispatcher"), people("grid")
    with asked_by(company):
        assert [offer.action for offer in actions_for(dispatched, company)] == ["return", "accept"]
        apply(dispatched, "return", company, reason="不是我公司管理的小区")
    case = spot.case()
    assert (case.state, case.handler_id, case.deadline_at) == ("filed", None, None)
    with asked_by(dispatcher):
        offers = {offer.action: offer for offer in actions_for(case, dispatcher)}
        assert set(offers) == {"dispatch", "send_back", "void"} and offers["dispatch"].needs_handler
        apply(case, "dispatch", dispatcher, organisation=grid.organisation)
    case = spot.case()
    with as_system():
        stages = case.clocks.filter(stage="handle").order_by("id").values_list("state", "consumed_seconds")
        assert [state for state, _ in stages] == ["stopped", "running"]
        assert case.handler_id == grid.organisation_id


def test_a_suspended_case_keeps_what_remains_of_its_time(
    dispatched: Any, people: Callable[[str], Any], asked_by: Callable[[Any], Any], spot: Spot
) -> None:
    from datetime import timedelta

    from citybrain.events.acting import apply
    from citybrain.events.scope import as_system

    dispatcher = people("dispatcher")
    with as_system():  # ten of the thirty minutes have run
        dispatched.clocks.filter(stage="handle").update(consumed_seconds=600)
    with asked_by(dispatcher):
        apply(dispatched, "suspend", dispatcher, reason="等待清障车")
    assert spot.case().deadline_at is None
    with asked_by(dispatcher):
        apply(spot.case(), "resume", dispatcher, reason="清障车到位")
    with as_system():
        clock = spot.case().clocks.get(stage="handle", state="running")
        remains = clock.due_at - clock.started_at
    assert timedelta(minutes=19) < remains <= timedelta(minutes=20)
