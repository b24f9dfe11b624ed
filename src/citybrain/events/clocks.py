"""The time limits of a case: started, paused with what remains, resumed, stopped, and watched."""

from datetime import datetime
from decimal import Decimal

from citybrain.catalogue.scenario import TimeUnit
from citybrain.events.case_classes import filing_of
from citybrain.events.models import Case, Clock
from citybrain.events.rules import ClockOrders, load_rules
from citybrain.events.sla import due, elapsed, seconds_of


def keep_time(case: Case, orders: ClockOrders, now: datetime, same_handler: bool) -> None:
    """Carry out a step's orders. `same_handler`: nobody else got the case, so a paused limit may go on."""
    for stage in orders.stop:
        _stop(_open(case, stage), now)
    for stage in orders.pause:
        _pause(_open(case, stage), now)
    for stage in orders.resume:
        paused = _open(case, stage)
        if paused is not None and same_handler:
            _resume(paused, now)
        else:
            _stop(paused, now)
            _start(case, stage, now)
    for stage in orders.start:
        _stop(_open(case, stage), now)
        _start(case, stage, now)


def deadline(case: Case) -> datetime | None:
    """When handling is due; None while its limit stands still."""
    running = case.clocks.filter(stage="handle", state=Clock.State.RUNNING).first()
    return running.due_at if running else None


def used_seconds(clock: Clock, now: datetime) -> int:
    """What has run of a limit, in seconds of its unit's own time."""
    if clock.state != Clock.State.RUNNING:
        return clock.consumed_seconds
    return clock.consumed_seconds + elapsed(clock.started_at, now, TimeUnit(clock.unit))


def budget_seconds(clock: Clock) -> int:
    return seconds_of(clock.budget, TimeUnit(clock.unit))


def _limit(case: Case, stage: str) -> tuple[Decimal, TimeUnit]:
    rule = load_rules().clocks[stage]
    if rule.value is not None and rule.unit is not None:
        return rule.value, rule.unit
    filing = filing_of(case.scenario, case.class_code)
    if filing is None:
        raise ValueError(f"{case.number}: no class {case.class_code} of {case.scenario} in case_classes.yml")
    return filing.budget


def _open(case: Case, stage: str) -> Clock | None:
    return case.clocks.exclude(state=Clock.State.STOPPED).filter(stage=stage).first()


def _start(case: Case, stage: str, now: datetime) -> None:
    budget, unit = _limit(case, stage)
    runs_out = due(now, seconds_of(budget, unit), unit)
    Clock.objects.create(
        case=case,
        stage=stage,
        unit=unit.value,
        budget=budget,
        started_at=now,
        due_at=runs_out.at,
        provisional=runs_out.provisional,
    )


def _stand_still(clock: Clock, now: datetime) -> None:
    if clock.state == Clock.State.RUNNING:
        clock.consumed_seconds = used_seconds(clock, now)
        clock.overdue = clock.overdue or (clock.due_at is not None and now > clock.due_at)
        clock.due_at = None


def _pause(clock: Clock | None, now: datetime) -> None:
    if clock is None:
        return
    _stand_still(clock, now)
    clock.state = Clock.State.PAUSED
    clock.save()


def _stop(clock: Clock | None, now: datetime) -> None:
    if clock is None:
        return
    _stand_still(clock, now)
    clock.state, clock.stopped_at = Clock.State.STOPPED, now
    clock.save()


def _resume(clock: Clock, now: datetime) -> None:
    if clock.state == Clock.State.RUNNING:
        return
    remaining = budget_seconds(clock) - clock.consumed_seconds
    runs_out = due(now, remaining, TimeUnit(clock.unit))
    clock.state, clock.started_at = Clock.State.RUNNING, now
    clock.due_at, clock.provisional = runs_out.at, runs_out.provisional
    clock.save()
