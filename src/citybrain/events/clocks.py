"""The time limits of a case: started, paused with what remains, resumed, stopped, and watched."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.case_classes import Filing
from citybrain.events.editions import filing_of_case
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
    handler_id: int | None = None


AnyClock = Clock | ToldClock


class ClockBook(Protocol):
    """Where the clocks of one case are kept: the table, or the memory of a history that is told."""

    @property
    def handler_id(self) -> int | None:
        """Who has the case now."""
        ...

    @property
    def filing(self) -> Filing: ...
    def standing(self, stage: str) -> AnyClock | None:
        """The stage's clock that runs or is paused; there is one at most."""
        ...

    def begin(
        self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due
    ) -> None: ...
    def keep(self, clock: AnyClock) -> None:
        """Its fields changed."""
        ...


class _Table:
    """The clocks of a case that lives; those that stand are read once."""

    def __init__(self, case: Case) -> None:
        self.case, self.filing = case, filing_of_case(case)
        standing = case.clocks.exclude(state=Clock.State.STOPPED) if case.pk else ()
        self._standing = {clock.stage: clock for clock in standing}

    @property
    def handler_id(self) -> int | None:
        return self.case.handler_id

    def standing(self, stage: str) -> AnyClock | None:
        return self._standing.get(stage)

    def begin(self, stage: str, budget: Decimal, unit: TimeUnit, started_at: datetime, runs_out: Due) -> None:
        self._standing[stage] = Clock.objects.create(
            case=self.case,
            stage=stage,
            unit=unit.value,
            budget=budget,
            started_at=started_at,
            due_at=runs_out.at,
            provisional=runs_out.provisional,
            handler_id=self.handler_id,
        )

    def keep(self, clock: AnyClock) -> None:
        if isinstance(clock, Clock):
            clock.save()
            if clock.state == Clock.State.STOPPED:
                self._standing.pop(clock.stage, None)


def keep_time(case: Case, orders: ClockOrders, now: datetime) -> None:
    """Carry out a step's orders and note when handling is due: None while its limit stands still."""
    if not orders.named:
        return
    book = _Table(case)
    carry_out(book, orders, now)
    handling = book.standing("handle")
    case.deadline_at = handling.due_at if handling else None


def carry_out(book: ClockBook, orders: ClockOrders, now: datetime) -> None:
    """`keep_time` for clocks wherever they are kept. Raises ValueError for a class without a limit."""
    for stage in orders.stop:
        _stop(book, book.standing(stage), now)
    for stage in orders.pause:
        _pause(book, book.standing(stage), now)
    for stage in orders.resume:
        paused = book.standing(stage)
        if paused is not None and paused.handler_id == book.handler_id:
            _resume(book, paused, now)
        else:
            _stop(book, paused, now)
            _start(book, stage, now)
    for stage in orders.extend:
        _extend(book, book.standing(stage), now)
    for stage in orders.start:
        _stop(book, book.standing(stage), now)
        _start(book, stage, now)


def used_seconds(clock: AnyClock, now: datetime) -> int:
    """What has run of a limit, in seconds of its unit's own time."""
    if clock.state != Clock.State.RUNNING:
        return clock.consumed_seconds
    return clock.consumed_seconds + elapsed(clock.started_at, now, TimeUnit(clock.unit))


def budget_seconds(clock: AnyClock) -> int:
    return seconds_of(clock.budget, TimeUnit(clock.unit))


def limit_of(filing: Filing, stage: str) -> tuple[Decimal, TimeUnit]:
    """The limit of a stage: the class's own, or that of the rules. Raises ValueError for a class without."""
    rule = load_rules().clocks[stage]
    own = next((limit for name, limit in filing.rule.stages.items() if name == stage), None)
    if own is not None:
        return own.value, own.unit
    if rule.value is not None and rule.unit is not None:
        return rule.value, rule.unit
    return filing.budget


def _start(book: ClockBook, stage: str, now: datetime) -> None:
    budget, unit = limit_of(book.filing, stage)
    book.begin(stage, budget, unit, now, due(now, seconds_of(budget, unit), unit))


def _extend(book: ClockBook, clock: AnyClock | None, now: datetime) -> None:
    """Add the class's share to what runs; whoever had to be reminded is reminded anew."""
    if clock is None or clock.state != Clock.State.RUNNING:
        return
    budget, _ = limit_of(book.filing, clock.stage)
    _stand_still(clock, now)
    clock.budget += budget * book.filing.rule.extension.share
    clock.level = 0
    _run_on(book, clock, now)


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
    if clock.state != Clock.State.RUNNING:
        _run_on(book, clock, now)


def _run_on(book: ClockBook, clock: AnyClock, now: datetime) -> None:
    """Let a clock that stands still run with what remains of it."""
    remaining = budget_seconds(clock) - clock.consumed_seconds
    runs_out = due(now, remaining, TimeUnit(clock.unit))
    clock.state, clock.started_at = Clock.State.RUNNING, now
    clock.due_at, clock.provisional = runs_out.at, runs_out.provisional
    book.keep(clock)
