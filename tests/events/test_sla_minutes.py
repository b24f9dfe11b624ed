"""The arithmetic of time limits beside a counter that looks at every minute of three years."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from citybrain.catalogue.scenario import TimeUnit
from citybrain.catalogue.working_day import SHANGHAI, is_working_day
from citybrain.events.sla import OFFICE_HOURS, due, elapsed

BEGIN, END = datetime(2024, 1, 1, tzinfo=SHANGHAI), datetime(2027, 1, 1, tzinfo=SHANGHAI)
MINUTES = int((END - BEGIN).total_seconds()) // 60
OFFICE = (TimeUnit.WORKING_HOUR, TimeUnit.WORKING_DAY)


def _counts(at: datetime) -> bool:
    """Whether the minute that begins at `at` is one of office time."""
    return _in_office(at.time()) and is_working_day(at.date())[0]


def _in_office(at: time) -> bool:
    return any(opens <= at < closes for opens, closes in OFFICE_HOURS)


@pytest.fixture(scope="module")
def ran() -> NDArray[np.int64]:
    """How many minutes of office time ran before each minute of the three years."""
    of_a_day = np.array([_in_office(time(minute // 60, minute % 60)) for minute in range(24 * 60)])
    days = [is_working_day((BEGIN + timedelta(days=day)).date())[0] for day in range(MINUTES // 60 // 24)]
    return np.concatenate([[0], np.cumsum(np.outer(days, of_a_day).ravel())])


places = st.integers(0, MINUTES - 60 * 24 * 90)


@given(places, st.integers(0, 60 * 24 * 80))
def test_what_ran_is_what_the_counter_counted(ran: NDArray[np.int64], start: int, length: int) -> None:
    begin, end = (BEGIN + timedelta(minutes=number) for number in (start, start + length))
    for unit in OFFICE:
        assert elapsed(begin, end, unit) == 60 * (ran[start + length] - ran[start])
    assert elapsed(begin, end, TimeUnit.URGENT_HOUR) == 60 * length


@given(places, st.integers(1, 60 * 8 * 30))
def test_what_is_due_is_due_when_the_counter_has_counted_it(
    ran: NDArray[np.int64], start: int, budget: int
) -> None:
    """The first moment at which so many minutes have run: the end of the minute that is the last of them."""
    expected = int(np.searchsorted(ran, ran[start] + budget))
    for unit in OFFICE:
        assert due(BEGIN + timedelta(minutes=start), 60 * budget, unit).at == BEGIN + timedelta(
            minutes=expected
        )


def test_the_counter_knows_the_calendar(ran: NDArray[np.int64]) -> None:
    """A make-up Saturday counts, a holiday does not, and noon never does."""
    assert _counts(datetime.combine(date(2026, 10, 10), time(9), SHANGHAI))
    assert not _counts(datetime.combine(date(2026, 10, 5), time(9), SHANGHAI))
    assert not _counts(datetime.combine(date(2026, 11, 24), time(13), SHANGHAI))
    assert 240 < ran[-1] / 60 / 8 / 3 < 260, "working days a year"
