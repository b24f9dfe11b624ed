"""What a step does besides moving the case: one function an effect, named in `transitions.yml`.

An effect changes the held case or another room's table, and returns what history should know of it.
"""

from collections.abc import Callable
from typing import Any

from citybrain.events.editions import filing_of_case
from citybrain.events.guards import Attempt
from citybrain.events.models import Satisfaction
from citybrain.events.rechecking import ask
from citybrain.events.rules import EffectName
from citybrain.events.waking import begin

Effect = Callable[[Attempt], dict[str, Any]]


def release_handler(attempt: Attempt) -> dict[str, Any]:
    """The case waits for a dispatcher again."""
    released = attempt.case.handler
    attempt.case.handler = None
    return {"released": released.code if released else None}


def ask_for_recheck(attempt: Attempt) -> dict[str, Any]:
    """The detector is to look at the after-photo; "" where no machine checks this class."""
    return {"recheck_key": ask(attempt.case)}


def count_extension(attempt: Attempt) -> dict[str, Any]:
    attempt.case.extended_count += 1
    return {"share": str(filing_of_case(attempt.case).rule.extension.share)}


def exempt(attempt: Attempt) -> dict[str, Any]:
    """Out of statistics of lateness; the clocks keep the fact."""
    attempt.case.exempt = True
    return {"exempt": True}


def force(attempt: Attempt) -> dict[str, Any]:
    attempt.case.forced = True
    return {"forced": True}


def satisfied(attempt: Attempt) -> dict[str, Any]:
    attempt.case.satisfaction = Satisfaction.SATISFIED
    return {"satisfaction": "satisfied"}


def unsatisfied(attempt: Attempt) -> dict[str, Any]:
    attempt.case.satisfaction = Satisfaction.UNSATISFIED
    return {"satisfaction": "unsatisfied"}


def count_reopening(attempt: Attempt) -> dict[str, Any]:
    attempt.case.reopened_count += 1
    attempt.case.forced = False
    return {"reopened": attempt.case.reopened_count}


def wake_wardens(attempt: Attempt) -> dict[str, Any]:
    """The place's wardens are woken where the class says so; how many there are."""
    woken = begin(attempt.case, attempt.now)
    return {"wardens": woken} if woken else {}


EFFECTS: dict[EffectName, Effect] = {
    "release_handler": release_handler,
    "ask_for_recheck": ask_for_recheck,
    "count_extension": count_extension,
    "exempt": exempt,
    "force": force,
    "satisfied": satisfied,
    "unsatisfied": unsatisfied,
    "count_reopening": count_reopening,
    "wake_wardens": wake_wardens,
}
