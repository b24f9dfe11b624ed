"""The past, told batch by batch to the events room, which takes it through its rules and keeps it."""

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events import write_histories
from citybrain.simulate.case_history.planning import plan_cases
from citybrain.simulate.ledger import Ledger


def write_cases(ledger: Ledger, months: int) -> dict[str, int]:
    """Write the last `months` before the city started; what stands already is left as it is.

    Django's apps must be loaded. How many batches, cases, steps and clocks there are, and `fresh`: how many
    batches this call wrote. Raises citybrain.events.HistoryRefusedError.
    """
    as_of = ledger.started.astimezone(SHANGHAI)
    counts = {"batches": 0, "fresh": 0, "cases": 0, "steps": 0, "clocks": 0}
    batches = ((batch.key, batch.cases) for batch in plan_cases(ledger, months))
    for written in write_histories(batches, as_of):
        counts["batches"] += 1
        counts["fresh"] += written.fresh
        counts["cases"] += written.cases
        counts["steps"] += written.steps
        counts["clocks"] += written.clocks
    return counts
