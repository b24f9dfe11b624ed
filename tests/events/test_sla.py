"""Time limits in four units: what is due when, and that a pause keeps exactly what remains."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.scenario import TimeUnit
from citybrain.catalogue.working_day import SHANGHAI, is_working_day
from citybrain.events.sla import due, elapsed, seconds_of

HOUR = 3600
moments = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1), timezones=st.just(SHANGHAI)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
units = st.sampled_from(TimeUnit)
lengths = st.integers(1, 20 * 8 * HOUR)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "budget", "unit", "expected"),
    [
        ("2026-09-30 17:50", "0.5", TimeUnit.URGENT_HOUR, "2026-09-30 18:20"),
        ("2026-11-24 11:30", "1", TimeUnit.WORKING_HOUR, "2026-11-24 14:30"),  # over lunch
        ("2026-11-24 11:00", "1", TimeUnit.WORKING_HOUR, "2026-11-24 12:00"),  # not 14:00
        ("2026-11-27 17:00", "2", TimeUnit.WORKING_HOUR, "2026-11-30 09:00"),  # over a weekend
        ("2026-09-30 17:00", "1", TimeUnit.WORKING_DAY, "2026-10-08 17:00"),  # over the National Day holiday
        ("2026-10-09 17:00", "2", TimeUnit.WORKING_HOUR, "2026-10-10 09:00"),  # into a make-up Saturday
        ("2026-11-24 03:00", "2", TimeUnit.WORKING_HOUR, "2026-11-24 10:00"),  # the offices open first
        ("2026-09-30 17:00", "5", TimeUnit.NATURAL_DAY, "2026-10-05 17:00"),
    ],
)
def test_due_by_the_calendar(start: str, budget: str, unit: TimeUnit, expected: str) -> None:
    runs_out = due(at(start), seconds_of(Decimal(budget), unit), unit)
    assert (runs_out.at, runs_out.provisional) == (at(expected), False)


def test_a_year_without_published_holidays_is_provisional() -> None:
    assert is_working_day(at("2035-10-01 00:00").date()) == (True, False)
    assert due(at("2035-09-28 17:00"), 16 * HOUR, TimeUnit.WORKING_DAY).provisional
    assert not due(at("2035-09-28 17:00"), 16 * HOUR, TimeUnit.URGENT_HOUR).provisional


@given(moments, lengths, units)
def test_what_is_due_has_run_exactly(start: datetime, seconds: int, unit: TimeUnit) -> None:
    runs_out = due(start, seconds, unit).at
    assert elapsed(start, runs_out, unit) == seconds
    assert elapsed(start, runs_out - timedelta(seconds=1), unit) == seconds - 1


@given(moments, lengths, units, st.integers(0, 40 * 86400), st.integers(0, 40 * 86400))
def test_a_pause_keeps_exactly_what_remains(
    start: datetime, seconds: int, unit: TimeUnit, runs: int, pauses: int
) -> None:
    paused = start + timedelta(seconds=runs)
    used = elapsed(start, paused, unit)
    if used >= seconds:
        return
    resumed = paused + timedelta(seconds=pauses)
    runs_out = due(resumed, seconds - used, unit).at
    assert used + elapsed(resumed, runs_out, unit) == seconds
    assert runs_out >= due(start, seconds, unit).at


@given(moments, lengths, lengths, units)
def test_more_time_is_never_due_earlier(start: datetime, one: int, more: int, unit: TimeUnit) -> None:
    assert due(start, one, unit).at < due(start, one + more, unit).at
