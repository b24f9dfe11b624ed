"""Which whole days and months a source has not told of yet: all of the history at first, then what is new."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import month_number

ROLLUP_DAYS = 730  # of daily figures at first: 24 months
ROLLUP_MONTHS = 24


def new_days(ledger: Ledger, local: datetime, history: int = ROLLUP_DAYS) -> tuple[date, date] | None:
    """The first and the last day to tell of, both whole; none when no day has ended since the last call.

    history: days before the city's first one that its first call tells of.
    """
    if ledger.reached is None:
        first = ledger.local_start.date() - timedelta(days=history)
    else:
        first = ledger.reached.astimezone(SHANGHAI).date()
    last = local.date() - timedelta(days=1)
    return (first, last) if first <= last else None


def parts(first: date, last: date, longest: int = 366) -> Iterator[tuple[date, date]]:
    """The same days in parts of at most `longest` days."""
    while first <= last:
        end = min(first + timedelta(days=longest - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def new_months(ledger: Ledger, local: datetime, history: int = ROLLUP_MONTHS) -> tuple[int, int] | None:
    """The first and the last month to tell of, by `month_number`, both whole; none when no month ended."""
    if ledger.reached is None:
        first = month_number(ledger.local_start.date()) - history
    else:
        first = month_number(ledger.reached.astimezone(SHANGHAI).date())
    last = month_number(local.date()) - 1
    return (first, last) if first <= last else None
