"""What is planted in the demo city's past: a place of each class that is trouble again and again, and a case
that somebody took on and forgot.
"""

from datetime import date

from citybrain.simulate.case_history.mix import load_mix
from citybrain.simulate.case_history.places import spots_of
from citybrain.simulate.case_history.planning import HISTORY_MONTHS, forgotten_day
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger


def case_stories(ledger: Ledger) -> list[dict[str, str]]:
    """For people and tests. A trouble spot's key is its name, the forgotten case's its day and class."""
    mix, until = load_mix(), ledger.started.astimezone(SHANGHAI)
    begun, forgotten = until.date(), forgotten_day(until)
    first = date(begun.year - HISTORY_MONTHS // 12, begun.month, 1)
    stories = [
        {
            "story": "trouble_spot",
            "dataset": "case",
            "key": spots_of(one, ledger.seed, ledger.scale, mix.trouble_spot).spots[0].name,
            "from": first.isoformat(),
            "to": begun.isoformat(),
            "what": f"one place draws a larger share of {one.name} than any other ought to",
        }
        for one in mix.classes
    ]
    return [
        *stories,
        {
            "story": "forgotten_case",
            "dataset": "case",
            "key": f"BZ-{forgotten:%Y%m%d}-",
            "from": forgotten.isoformat(),
            "to": begun.isoformat(),
            "what": f"a case of {mix.forgotten.scenario} was taken on and lies since",
        },
    ]
