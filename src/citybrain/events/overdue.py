"""Time limits that run out: whoever has to know is told once a level."""

from django.utils import timezone

from citybrain.events.clocks import budget_seconds, used_seconds
from citybrain.events.models import Case, Clock
from citybrain.events.outbox import tell
from citybrain.events.rules import Escalation, load_rules
from citybrain.events.scope import as_system


def watch_clocks() -> int:
    """Raise every running limit to the level it has reached and tell who has to know; how many rose."""
    with as_system():
        running = list(
            Clock.objects.filter(state=Clock.State.RUNNING).order_by("due_at").values_list("pk", "case_id")
        )
    return sum(_watch(clock_id, case_id) for clock_id, case_id in running)


def _watch(clock_id: int, case_id: int) -> bool:
    """One limit, its case held first: a step holds the case before its clocks, too."""
    with as_system():
        case = Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=case_id).first()
        clock = Clock.objects.filter(pk=clock_id, state=Clock.State.RUNNING).first()
        if case is None or clock is None:  # a step is being taken: the next round looks again
            return False
        now = timezone.now()
        reached = _level(used_seconds(clock, now) / budget_seconds(clock))
        if reached is None or reached.level <= clock.level:
            return False
        clock.level, clock.overdue = reached.level, reached.after >= 1
        clock.save(update_fields=["level", "overdue"])
        limit = load_rules().clocks[clock.stage].zh
        tell(case, f"late:{clock.pk}:{reached.level}", [reached.message], now, limit=limit)
    return True


def _level(share: float) -> Escalation | None:
    """The highest level that a used share of a limit has reached."""
    reached = [level for level in load_rules().escalation if share >= level.after]
    return reached[-1] if reached else None
