"""Which stretch of time a delivery is about, given what the city has sent."""

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger

DAYS_OF_HISTORY = 730  # daily figures reach back 24 months


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype(np.int64))


def hour_number(local: datetime) -> int:
    """Whole hours of local time since 1970; any zone of `local` is left out."""
    return int(np.datetime64(local.replace(tzinfo=None), "h").astype(np.int64))


def whole_days_owed(ledger: Ledger, local: datetime, history: int) -> tuple[date, date] | None:
    """The first and the last of the days that are over and not sent; at first `history` of them."""
    last = local.date() - timedelta(days=1)
    first = last - timedelta(days=history - 1)
    if ledger.reached is not None:
        first = max(first, ledger.reached.astimezone(SHANGHAI).date())
    return (first, last) if first <= last else None


def hours_owed(ledger: Ledger, local: datetime, history: timedelta) -> tuple[datetime, datetime] | None:
    """The first and the last whole hour (local, no zone) that are over and not sent."""
    until = local.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    since = until - history
    if ledger.reached is not None:
        reached = ledger.reached.astimezone(SHANGHAI).replace(tzinfo=None, minute=0, second=0, microsecond=0)
        since = max(since, reached)
    return (since, until - timedelta(hours=1)) if since < until else None


def days_between(first: date, last: date) -> NDArray[np.int64]:
    """The numbers of the days from `first` to `last`."""
    return np.arange(day_number(first), day_number(last) + 1)


def weekdays(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 Monday to 6 Sunday, from numbers of days."""
    return (days + 3) % 7


def microseconds_utc(local_minutes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Microseconds since 1970 (UTC) of minutes of Beijing time."""
    return (local_minutes - 8 * 60) * 60_000_000
