"""What rounds and readings say of a case after they were taken in: over, over and checked, or not yet.

A class that readings check is handled by the readings themselves; of any other class a clear round after the
handling is a check passed.
"""

from citybrain.events.acting import CaseRefusedError, carry_on
from citybrain.events.editions import filing_of_case
from citybrain.events.guards import readings_say_clear
from citybrain.events.models import Case, State

_AT_WORK = (State.DISPATCHED, State.ACCEPTED, State.HANDLING, State.REWORK)


def follow_readings(case: Case) -> str:
    """Take the step that a case's readings ask for, its row held by the caller's transaction; "" for none."""
    if case.cleared_at is None or not readings_say_clear(case):
        return ""
    try:
        if case.state in _AT_WORK and filing_of_case(case).rule.check == "readings":
            carry_on(case, "see_clear", data={"seen_by": "readings"})
        if case.state != State.CHECKING or _asked_a_person(case):
            return ""
        seen_by = "readings" if filing_of_case(case).rule.check == "readings" else "patrol"
        carry_on(case, "pass_check", data={"seen_by": seen_by})
    except CaseRefusedError:
        return ""
    return "pass_check"


def _asked_a_person(case: Case) -> bool:
    """Whether rounds and photo disagree: then a person decides, and no later round does."""
    last = case.transitions.last()
    return last is not None and last.action == "ask_person" and last.data.get("verdict") == "disagree"
