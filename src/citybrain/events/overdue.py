"""Time limits that run out: whoever has to know is told once a level."""

from datetime import datetime

from django.utils import timezone

from citybrain.events.clocks import AnyClock, budget_seconds, used_seconds
from citybrain.events.models import Case, Clock
from citybrain.events.outbox import tell
from citybrain.events.rules import Escalation, load_rules
from citybrain.events.scope import as_system


def watch_clocks() -> int:
    """Raise every running limit to the level it has reached and tell who has to know; how many rose."""
    now = timezone.now()
    with as_system():
        running = list(Clock.objects.filter(state=Clock.State.RUNNING).order_by("due_at"))
    # Looked at before a row is held: thousands of limits run, and few of them rise in a round.
    risen = [(clock.pk, clock.case_id) for clock in running if _level_at(clock, now) > clock.level]
    return sum(_watch(clock_id, case_id) for clock_id, case_id in risen)


def _watch(clock_id: int, case_id: int) -> bool:
    """One limit, its case held first: a step holds the case before its clocks, too."""
    with as_system():
        case = Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=case_id).first()
        clock = Clock.objects.filter(pk=clock_id, state=Clock.State.RUNNING).first()
        if case is None or clock is None:  # a step is being taken: the next round looks again
            return False
        now = timezone.now()
        reached = reached_level(clock, now)
        if reached is None or reached.level <= clock.level:
            return False
        clock.level, clock.overdue = reached.level, reached.after >= 1
        clock.save(update_fields=["level", "overdue"])
        limit = load_rules().clocks[clock.stage].zh
        tell(case, f"late:{clock.pk}:{reached.level}", [reached.message], now, limit=limit)
    return True


def reached_level(clock: AnyClock, now: datetime) -> Escalation | None:
    """The highest level that what has run of a limit has reached; None below the first."""
    share = used_seconds(clock, now) / budget_seconds(clock)
    reached = [level for level in load_rules().escalation if share >= level.after]
    return reached[-1] if reached else None


def _level_at(clock: Clock, now: datetime) -> int:
    reached = reached_level(clock, now)
    return reached.level if reached else 0
