"""A told case taken through the rules, step by step, as `acting` takes a living one.

The transitions, the guards and the clocks are the same; what breaks one of them is refused.

Three guards look into tables that a told case is not in yet. They read the same from the steps before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.acting import keep_dates, move_petition
from citybrain.events.case_classes import Edition, Filing
from citybrain.events.clocks import AnyClock, ToldClock, carry_out
from citybrain.events.editions import current
from citybrain.events.effects import release_handler
from citybrain.events.guards import GUARDS, MOST_REASON, UNDECIDED, Attempt, Guard, may, petition_refusal
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


@dataclass(frozen=True, slots=True)
class Move:
    """A step that the rules allow: where it leads, what it orders, and what history keeps beside its time."""

    step: Step
    version: int
    from_state: str
    organisation_id: int | None
    handler: Organisation | None
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
    petition: str = ""
    extended_count: int = 0
    lon: Decimal | None = None
    lat: Decimal | None = None
    moves: list[Move] = field(default_factory=list)
    clocks: list[ToldClock] = field(default_factory=list)

    @property
    def handler_id(self) -> int | None:
        return self.handler.pk if self.handler else None

    # citybrain.events.clocks.ClockBook
    def standing(self, stage: str) -> AnyClock | None:
        for clock in self.clocks:
            if clock.stage == stage and clock.state != Clock.State.STOPPED.value:
                return clock
        return None

    def begin(self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due) -> None:
        self.clocks.append(
            ToldClock(
                stage,
                unit.value,
                budget,
                started_at,
                runs_out.at,
                runs_out.provisional,
                handler_id=self.handler_id,
            )
        )

    def keep(self, clock: AnyClock) -> None:
        """A told clock is kept where it stands."""


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
    moves = cast("Replayed", attempt.case).moves
    if not moves or moves[-1].step.action == "ask_person":
        return "已转人工核查。"
    return None if attempt.data.get("verdict") in UNDECIDED else "机器已有结论。"


def _handed_in(attempt: Attempt) -> str | None:
    """Whoever handled handed in a photo, or it could not have been handled."""
    moves = cast("Replayed", attempt.case).moves
    return None if any(move.step.action == "handle" for move in moves) else "没有处置后的照片。"


def _passed(attempt: Attempt) -> str | None:
    return None if attempt.data.get("verdict") == "clear" else "核查没有通过。"


def _not_told(_attempt: Attempt) -> str | None:
    return "历史案件不记录这一步。"


TOLD_GUARDS: dict[GuardName, Guard] = {
    **GUARDS,
    "before_photo": lambda _attempt: None,
    "after_photo": _photo_told,
    "over": _handed_in,
    "another_person": _another_organisation,
    "check_passed": _passed,
    "machine_undecided": _undecided,
    **dict.fromkeys(
        (
            *("own_report", "readings_clear", "another_reviewer", "in_time", "extension_left", "was_late"),
            *("soon_after_closing", "spot_free"),
        ),
        _not_told,
    ),
}


class Replay:
    """Takes told cases through the rules.

    What the rules ask of a case hangs on its class, on whether its place is known, and on who takes which
    steps, not on when: of cases that are alike in this one is asked.
    """

    def __init__(self, posts: Posts, as_of: datetime) -> None:
        """`as_of` (aware): how the cases stand then."""
        self.posts, self.as_of, self.edition = posts, as_of, current()
        self._paths: dict[tuple[object, ...], list[Move]] = {}

    def __call__(self, told: ToldCase) -> Replayed:
        """The case after its steps. Raises HistoryRefusedError."""
        case = _opened(told, self.posts, self.edition)
        alike = (
            told.scenario,
            told.class_code,
            bool(told.place_name),
            tuple([(*step[:1], *step[2:4], bool(step.reason), *step[5:]) for step in told.steps]),
        )
        if alike not in self._paths:
            self._paths[alike] = self._walk(_opened(told, self.posts, self.edition))
        case.moves = self._paths[alike]
        before = told.found_at
        for number, (move, step) in enumerate(zip(case.moves, told.steps, strict=True), 1):
            if not before <= step.at <= self.as_of:
                raise _refused(told, number, f"{step.at} is not between {before} and {self.as_of}")
            if len(step.reason) > MOST_REASON:
                raise _refused(told, number, f"its reason is longer than {MOST_REASON} characters")
            _date(case, move, step.at)
            before = step.at
        _watch(case, self.as_of)
        return case

    def _walk(self, case: Replayed) -> list[Move]:
        """What the rules make of the steps. Raises HistoryRefusedError."""
        follow: str | None = None
        for number, step in enumerate(case.told.steps, 1):
            if follow is not None and step.action != follow:
                raise _refused(case.told, number, f"{follow} follows at once")
            try:
                follow = _move(case, step, self.posts)
            except ValueError as error:
                raise _refused(case.told, number, str(error)) from error
        if not case.moves or follow is not None:
            raise HistoryRefusedError(f"{case.told.number}: breaks off before {follow or 'its first step'}")
        return case.moves


def _refused(told: ToldCase, number: int, why: str) -> HistoryRefusedError:
    return HistoryRefusedError(f"{told.number}: step {number}, {told.steps[number - 1].action}: {why}")


def _opened(told: ToldCase, posts: Posts, edition: Edition) -> Replayed:
    filing = edition.filing(told.scenario, told.class_code)
    if filing is None:
        raise HistoryRefusedError(f"{told.number}: {told.scenario} has no class {told.class_code}")
    lead = posts.organisations.get(filing.rule.lead)
    if lead is None:
        raise HistoryRefusedError(f"{told.number}: there is no organisation {filing.rule.lead}")
    return Replayed(told, filing, lead, told.place_name)


def _move(case: Replayed, told: ToldStep, posts: Posts) -> str | None:
    """Take one step, its time aside; the step that has to follow at once. Raises HistoryRefusedError."""
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
    # The guards read fields of a case that a told one has under the same names.
    attempt = Attempt(cast("Case", case), step, actor, told.at, told.reason, receiver, data)
    _require(attempt)
    if receiver is not None:
        case.handler = receiver
        data["handler"] = told.handler
    if "release_handler" in step.effects:
        data |= release_handler(attempt)
    if "ask_for_recheck" in step.effects:
        data["recheck_key"] = ""  # a picture that is not kept is shown to no machine
    move = Move(
        step=step,
        version=len(case.moves) + 1,
        from_state=case.state,
        organisation_id=actor.organisation_id if actor else None,
        handler=case.handler,
        data=data,
    )
    move_petition(case, step, case.state)
    case.state = step.leads_to(case.state)
    case.moves.append(move)
    return step.follow


def _date(case: Replayed, move: Move, at: datetime) -> None:
    """Put a time to a step: the case's state, its clocks and its dates."""
    step, before = move.step, case.state
    case.state, case.version, case.handler = step.leads_to(before), move.version, move.handler
    named = step.clocks.named
    if named:
        carry_out(case, step.clocks, at)
    if "handle" in named:
        clock = case.standing("handle")
        case.deadline_at = clock.due_at if clock else None
    if case.state != before:
        keep_dates(case, at)


def _require(attempt: Attempt) -> None:
    if said := petition_refusal(attempt.case, attempt.step):
        raise HistoryRefusedError(said)
    for name in attempt.step.guards:
        if said := TOLD_GUARDS[name](attempt):
            raise HistoryRefusedError(f"{name}: {said}")


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
