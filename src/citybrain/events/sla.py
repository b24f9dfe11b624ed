"""Time limits in the four units of city management, Asia/Shanghai.

An urgent hour runs on through nights and holidays, a natural day is 24 of them. A working hour is one of
08:00-12:00 and 14:00-18:00 on a working day, a working day is eight of those: so every limit is a number of
seconds of one of two kinds of time, and a pause keeps exactly what remains.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from citybrain.catalogue.scenario import TimeUnit
from citybrain.catalogue.working_day import SHANGHAI, is_working_day

OFFICE_HOURS = ((time(8), time(12)), (time(14), time(18)))
_SECONDS = {
    TimeUnit.URGENT_HOUR: 3600,
    TimeUnit.WORKING_HOUR: 3600,
    TimeUnit.WORKING_DAY: 8 * 3600,
    TimeUnit.NATURAL_DAY: 24 * 3600,
}
_OFFICE = (TimeUnit.WORKING_HOUR, TimeUnit.WORKING_DAY)


class Due(NamedTuple):
    """When a limit runs out. `provisional`: it passes a day whose holidays are not published yet."""

    at: datetime
    provisional: bool


def seconds_of(budget: Decimal, unit: TimeUnit) -> int:
    """A limit in seconds of its unit's own time."""
    return int(budget * _SECONDS[unit])


def due(start: datetime, seconds: int, unit: TimeUnit) -> Due:
    """When `seconds` of the unit's time have run since `start` (aware); at once for none left."""
    if unit not in _OFFICE or seconds <= 0:
        return Due(start + timedelta(seconds=max(seconds, 0)), False)
    left, provisional = timedelta(seconds=seconds), False
    for opens, closes, published in _office_spans(start):
        provisional |= not published
        began = max(opens, start)
        if closes - began >= left:
            return Due(began + left, provisional)
        left -= max(closes - began, timedelta())
    raise AssertionError("office hours never end")


def elapsed(start: datetime, end: datetime, unit: TimeUnit) -> int:
    """Whole seconds of the unit's time between two aware moments; 0 when `end` is not after `start`."""
    if unit not in _OFFICE:
        return max(0, int((end - start).total_seconds()))
    run = timedelta()
    for opens, closes, _ in _office_spans(start):
        if opens >= end:
            break
        run += max(min(closes, end) - max(opens, start), timedelta())
    return int(run.total_seconds())


def _office_spans(start: datetime) -> Iterator[tuple[datetime, datetime, bool]]:
    """The offices' hours from the day of `start` on: opening, closing, whether the day is published."""
    day: date = start.astimezone(SHANGHAI).date()
    while True:
        yield from _spans_of(day)
        day += timedelta(days=1)


@cache
def _spans_of(day: date) -> tuple[tuple[datetime, datetime, bool], ...]:
    """The offices' hours of one day; none where nobody works."""
    works, published = is_working_day(day)
    return tuple(
        (datetime.combine(day, opens, SHANGHAI), datetime.combine(day, closes, SHANGHAI), published)
        for opens, closes in (OFFICE_HOURS if works else ())
    )
