"""Working time of many moments at once, by the rule that the city's time limits follow.

Working time runs 08:00-12:00 and 14:00-18:00 on China's working days; a working day is eight hours of it.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue.working_day import is_working_day

Moments = NDArray[np.datetime64]
Seconds = NDArray[np.int64]

HOUR = 3600
WORKING_DAY = 8 * HOUR
_OPENS, _NOON, _REOPENS = 8 * HOUR, 12 * HOUR, 14 * HOUR
_HALF = _NOON - _OPENS


@dataclass(frozen=True)
class OfficeClock:
    """The days from `first` on: whether each is worked on, and how many were before it."""

    first: np.datetime64
    works: NDArray[np.bool_]
    before: Seconds

    @classmethod
    def between(cls, first: date, last: date) -> "OfficeClock":
        """A clock that can read and set moments from `first` to `last`."""
        days = (last - first).days + 1
        works = np.array([is_working_day(first + timedelta(days=day))[0] for day in range(days)])
        return cls(np.datetime64(first, "D"), works, np.cumsum(works) - works)

    def read(self, moments: Moments) -> Seconds:
        """Seconds of working time from the clock's first day to each moment (local, without a zone)."""
        days = moments.astype("datetime64[D]")
        place = (days - self.first).astype(np.int64)
        second = (moments.astype("datetime64[s]") - days.astype("datetime64[s]")).astype(np.int64)
        within = np.clip(second - _OPENS, 0, _HALF) + np.clip(second - _REOPENS, 0, _HALF)
        return self.before[place] * WORKING_DAY + np.where(self.works[place], within, 0)

    def moment(self, seconds: Seconds) -> Moments:
        """The first moment at which so much working time has run; `seconds` are positive."""
        number = (seconds - 1) // WORKING_DAY
        within = seconds - number * WORKING_DAY
        days = self.first + np.flatnonzero(self.works)[number].astype("timedelta64[D]")
        of_day = np.where(within <= _HALF, _OPENS + within, _REOPENS + within - _HALF)
        moments: Moments = days.astype("datetime64[s]") + of_day.astype("timedelta64[s]")
        return moments
