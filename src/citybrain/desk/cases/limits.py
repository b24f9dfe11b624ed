"""The time limits of a case as its page shows them."""

from dataclasses import dataclass

from citybrain.desk.cases.time_left import duration
from citybrain.events.clocks import budget_seconds
from citybrain.events.models import Case, Clock
from citybrain.events.rules import load_rules


@dataclass(frozen=True)
class Limit:
    """`paused_with` is what a limit that stands still has left, in its unit's own time."""

    zh: str
    clock: Clock
    paused_with: str


def limits(case: Case) -> list[Limit]:
    """Running limits, then those that stand still, then stopped ones; of a limit begun again the newest."""
    newest = {clock.stage: clock for clock in case.clocks.all()}
    order = list(Clock.State)
    clocks = sorted(newest.values(), key=lambda clock: (order.index(Clock.State(clock.state)), clock.pk))
    names = load_rules().clocks
    return [
        Limit(names[clock.stage].zh if clock.stage in names else clock.stage, clock, _left_paused(clock))
        for clock in clocks
    ]


def _left_paused(clock: Clock) -> str:
    left = budget_seconds(clock) - clock.consumed_seconds
    return f"还剩 {duration(left)}" if left > 0 else f"超时 {duration(-left)}"
