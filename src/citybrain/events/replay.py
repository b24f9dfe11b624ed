"""A told case taken through the rules, step by step, as `acting` takes a living one: the same transitions, the
same guards, the same clocks; what breaks one of them is refused.

Three guards look into tables that a told case is not in yet. They read the same from the steps before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.acting import keep_dates
from citybrain.events.case_classes import Filing, filing_of
from citybrain.events.clocks import AnyClock, ToldClock, carry_out, limit_of
from citybrain.events.effects import release_handler
from citybrain.events.guards import GUARDS, MOST_REASON, Attempt, Guard, may
from citybrain.events.models import Case, Clock
from citybrain.events.overdue import reached_level
from citybrain.events.people import Organisation
from citybrain.events.rules import GuardName, Step, load_rules
from citybrain.events.sla import Due
from citybrain.events.told import HistoryRefusedError, ToldCase, ToldStep


@dataclass(frozen=True)
class Posts:
    """Who may be named: organisations by code, and what each role of the desk may do."""

    organisations: Mapping[str, Organisation]
    permissions: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Post:
    """Somebody in a role of an organisation: `citybrain.events.people.Actor` without a person."""

    organisation_id: int
    permissions: frozenset[str]
    pk: int = 0

    def has_perm(self, perm: str) -> bool:
        return perm in self.permissions

    def get_username(self) -> str:
        return ""


@dataclass(slots=True)
class TakenStep:
    """A step that the rules allow, as history keeps it."""

    version: int
    from_state: str
    to_state: str
    told: ToldStep
    organisation_id: int | None
    data: dict[str, Any]


@dataclass(slots=True)
class Replayed:
    """A told case as it stands after its steps; what guards and dates read has the names of `Case`."""

    told: ToldCase
    filing: Filing
    lead: Organisation
    place_name: str
    state: str = ""
    version: int = 0
    handler: Organisation | None = None
    filed_at: datetime | None = None
    deadline_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    cleared_at: datetime | None = None
    rework_count: int = 0
    lon: Decimal | None = None
    lat: Decimal | None = None
    steps: list[TakenStep] = field(default_factory=list)
    clocks: list[ToldClock] = field(default_factory=list)

    @property
    def handler_id(self) -> int | None:
        return self.handler.pk if self.handler else None

    # citybrain.events.clocks.ClockBook
    def limit(self, stage: str) -> tuple[Decimal, TimeUnit]:
        return _limit(self.told.scenario, self.filing.rule.class_code, stage)

    def standing(self, stage: str) -> AnyClock | None:
        for clock in self.clocks:
            if clock.stage == stage and clock.state != Clock.State.STOPPED.value:
                return clock
        return None

    def begin(self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due) -> None:
        self.clocks.append(
            ToldClock(stage, unit.value, budget, started_at, runs_out.at, runs_out.provisional)
        )

    def keep(self, clock: AnyClock) -> None:
        """A told clock is kept where it stands."""


_limit = cache(limit_of)
_filing = cache(filing_of)


def _photo_told(attempt: Attempt) -> str | None:
    return None if attempt.data.get("photo") else "没有处置后的照片。"


def _another_organisation(attempt: Attempt) -> str | None:
    """History names no person, so whoever is of the handler's organisation may have handled."""
    if attempt.actor is None:
        return "人工核查须由核查人员办理。"
    if attempt.actor.organisation_id == attempt.case.handler_id:
        return "承办单位不能核查自己的处置结果。"
    return None


def _undecided(attempt: Attempt) -> str | None:
    steps = cast("Replayed", attempt.case).steps
    if not steps or steps[-1].told.action == "ask_person":
        return "已转人工核查。"
    undecided = attempt.data.get("verdict") in ("unreadable", "failed", "no_machine")
    return None if undecided else "机器已有结论。"


TOLD_GUARDS: dict[GuardName, Guard] = {
    **GUARDS,
    "after_photo": _photo_told,
    "another_person": _another_organisation,
    "machine_undecided": _undecided,
}


def replay(told: ToldCase, posts: Posts, as_of: datetime) -> Replayed:
    """The case after its steps, as it stands at `as_of` (aware). Raises HistoryRefusedError."""
    case = _opened(told, posts)
    follow: str | None = None
    before = told.found_at
    for number, step in enumerate(told.steps, 1):
        try:
            if follow is not None and step.action != follow:
                raise HistoryRefusedError(f"{follow} follows at once")
            if not before <= step.at <= as_of:
                raise HistoryRefusedError(f"{step.at} is not between {before} and {as_of}")
            follow = _take(case, step, posts)
        except ValueError as error:
            raise HistoryRefusedError(f"{told.number}: step {number}, {step.action}: {error}") from error
        before = step.at
    if not case.steps or follow is not None:
        raise HistoryRefusedError(f"{told.number}: breaks off" + (f" before {follow}" if follow else ""))
    _watch(case, as_of)
    return case


def _opened(told: ToldCase, posts: Posts) -> Replayed:
    filing = _filing(told.scenario, told.class_code)
    if filing is None:
        raise HistoryRefusedError(f"{told.number}: {told.scenario} has no class {told.class_code}")
    lead = posts.organisations.get(filing.scenario.lead[0])
    if lead is None:
        raise HistoryRefusedError(f"{told.number}: there is no organisation {filing.scenario.lead[0]}")
    return Replayed(told, filing, lead, told.place_name)


def _take(case: Replayed, told: ToldStep, posts: Posts) -> str | None:
    """Carry out one step; the step that has to follow at once. Raises HistoryRefusedError."""
    step = load_rules().step(told.action, case.state)
    if step is None:
        raise HistoryRefusedError(f"transitions.yml has no such step from {case.state or 'nothing'}")
    actor = _post(told, posts)
    if not may(actor, step):
        raise HistoryRefusedError(f"{told.role or 'the platform'} may not take it")
    receiver = _organisation(told.handler, posts) if told.handler else None
    data: dict[str, Any] = {"role": told.role} if told.role else {}
    if told.verdict:
        data["verdict"] = told.verdict
    if told.photo:
        data["photo"] = "not kept"
    if step.guards or told.reason:
        # The guards read fields of a case that a told one has under the same names.
        attempt = Attempt(cast("Case", case), step, actor, told.at, told.reason, receiver, data)
        _require(attempt)
    handler_before = case.handler_id
    if receiver is not None:
        case.handler = receiver
        data["handler"] = told.handler
    if "release_handler" in step.effects:
        data |= release_handler(Attempt(cast("Case", case), step, actor, told.at))
    if "ask_for_recheck" in step.effects:
        data["recheck_key"] = ""  # a picture that is not kept is shown to no machine
    from_state, case.state = case.state, step.to
    case.version += 1
    carry_out(case, step.clocks, told.at, handler_before is None or case.handler_id == handler_before)
    _set_deadline(case, step)
    keep_dates(case, told.at)
    organisation_id = actor.organisation_id if actor else None
    case.steps.append(TakenStep(case.version, from_state, step.to, told, organisation_id, data))
    return step.follow


def _require(attempt: Attempt) -> None:
    if len(attempt.reason) > MOST_REASON:
        raise HistoryRefusedError(f"a reason is longer than {MOST_REASON} characters")
    for name in attempt.step.guards:
        if said := TOLD_GUARDS[name](attempt):
            raise HistoryRefusedError(f"{name}: {said}")


def _set_deadline(case: Replayed, step: Step) -> None:
    if "handle" in step.clocks.named:
        clock = case.standing("handle")
        case.deadline_at = clock.due_at if clock else None


def _post(told: ToldStep, posts: Posts) -> Post | None:
    if not told.role:
        if told.organisation:
            raise HistoryRefusedError("a step of the platform names an organisation")
        return None
    if told.role not in posts.permissions:
        raise HistoryRefusedError(f"there is no role {told.role}")
    return Post(_organisation(told.organisation, posts).pk, posts.permissions[told.role])


def _organisation(code: str, posts: Posts) -> Organisation:
    organisation = posts.organisations.get(code)
    if organisation is None:
        raise HistoryRefusedError(f"there is no organisation {code}")
    return organisation


def _watch(case: Replayed, as_of: datetime) -> None:
    """Limits that still run stand at the level they have reached: nobody is told of the past."""
    for clock in case.clocks:
        if clock.state == Clock.State.RUNNING.value and (reached := reached_level(clock, as_of)):
            clock.level, clock.overdue = reached.level, reached.after >= 1
