"""The time limits of a case: started, paused with what remains, resumed, stopped, and watched."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.case_classes import filing_of
from citybrain.events.models import Case, Clock
from citybrain.events.rules import ClockOrders, load_rules
from citybrain.events.sla import Due, due, elapsed, seconds_of


@dataclass(slots=True)
class ToldClock:
    """A time limit of a history that is told, before it is written: the fields of the model `Clock`."""

    stage: str
    unit: str
    budget: Decimal
    started_at: datetime
    due_at: datetime | None
    provisional: bool
    state: str = Clock.State.RUNNING.value
    consumed_seconds: int = 0
    stopped_at: datetime | None = None
    overdue: bool = False
    level: int = 0


AnyClock = Clock | ToldClock


class ClockBook(Protocol):
    """Where the clocks of one case are kept: the table, or the memory of a history that is told."""

    def limit(self, stage: str) -> tuple[Decimal, TimeUnit]: ...
    def standing(self, stage: str) -> AnyClock | None:
        """The stage's clock that runs or is paused; there is one at most."""
        ...

    def begin(
        self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due
    ) -> None: ...
    def keep(self, clock: AnyClock) -> None:
        """Its fields changed."""
        ...


@dataclass(frozen=True)
class _Table:
    """The clocks of a case that lives."""

    case: Case

    def limit(self, stage: str) -> tuple[Decimal, TimeUnit]:
        return limit_of(self.case.scenario, self.case.class_code, stage)

    def standing(self, stage: str) -> AnyClock | None:
        return self.case.clocks.exclude(state=Clock.State.STOPPED).filter(stage=stage).first()

    def begin(self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due) -> None:
        Clock.objects.create(
            case=self.case,
            stage=stage,
            unit=unit.value,
            budget=budget,
            started_at=started_at,
            due_at=runs_out.at,
            provisional=runs_out.provisional,
        )

    def keep(self, clock: AnyClock) -> None:
        if isinstance(clock, Clock):
            clock.save()


def keep_time(case: Case, orders: ClockOrders, now: datetime, same_handler: bool) -> None:
    """Carry out a step's orders. `same_handler`: nobody else got the case, so a paused limit may go on."""
    carry_out(_Table(case), orders, now, same_handler)


def carry_out(book: ClockBook, orders: ClockOrders, now: datetime, same_handler: bool) -> None:
    """`keep_time` for clocks wherever they are kept. Raises ValueError for a class without a limit."""
    for stage in orders.stop:
        _stop(book, book.standing(stage), now)
    for stage in orders.pause:
        _pause(book, book.standing(stage), now)
    for stage in orders.resume:
        paused = book.standing(stage)
        if paused is not None and same_handler:
            _resume(book, paused, now)
        else:
            _stop(book, paused, now)
            _start(book, stage, now)
    for stage in orders.start:
        _stop(book, book.standing(stage), now)
        _start(book, stage, now)


def deadline(case: Case) -> datetime | None:
    """When handling is due; None while its limit stands still."""
    running = case.clocks.filter(stage="handle", state=Clock.State.RUNNING).first()
    return running.due_at if running else None


def used_seconds(clock: AnyClock, now: datetime) -> int:
    """What has run of a limit, in seconds of its unit's own time."""
    if clock.state != Clock.State.RUNNING:
        return clock.consumed_seconds
    return clock.consumed_seconds + elapsed(clock.started_at, now, TimeUnit(clock.unit))


def budget_seconds(clock: AnyClock) -> int:
    return seconds_of(clock.budget, TimeUnit(clock.unit))


def limit_of(scenario: str, class_code: str, stage: str) -> tuple[Decimal, TimeUnit]:
    """The limit of a stage: the rules' own, or that of the class. Raises ValueError for an unknown class."""
    rule = load_rules().clocks[stage]
    if rule.value is not None and rule.unit is not None:
        return rule.value, rule.unit
    filing = filing_of(scenario, class_code)
    if filing is None:
        raise ValueError(f"no class {class_code} of {scenario} in case_classes.yml")
    return filing.budget


def _start(book: ClockBook, stage: str, now: datetime) -> None:
    budget, unit = book.limit(stage)
    book.begin(stage, budget, unit, now, due(now, seconds_of(budget, unit), unit))


def _stand_still(clock: AnyClock, now: datetime) -> None:
    if clock.state == Clock.State.RUNNING:
        clock.consumed_seconds = used_seconds(clock, now)
        clock.overdue = clock.overdue or (clock.due_at is not None and now > clock.due_at)
        clock.due_at = None


def _pause(book: ClockBook, clock: AnyClock | None, now: datetime) -> None:
    if clock is None:
        return
    _stand_still(clock, now)
    clock.state = Clock.State.PAUSED
    book.keep(clock)


def _stop(book: ClockBook, clock: AnyClock | None, now: datetime) -> None:
    if clock is None:
        return
    _stand_still(clock, now)
    clock.state, clock.stopped_at = Clock.State.STOPPED, now
    book.keep(clock)


def _resume(book: ClockBook, clock: AnyClock, now: datetime) -> None:
    if clock.state == Clock.State.RUNNING:
        return
    remaining = budget_seconds(clock) - clock.consumed_seconds
    runs_out = due(now, remaining, TimeUnit(clock.unit))
    clock.state, clock.started_at = Clock.State.RUNNING, now
    clock.due_at, clock.provisional = runs_out.at, runs_out.provisional
    book.keep(clock)
