"""How many cases a day brings: the season, the weekend, and the storms that raise the demo city's rivers."""

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.case_history.mix import ClassMix
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.water import STEP, STORM_BEFORE_START, STORY_STEPS

Floats = NDArray[np.float64]

STORM = timedelta(hours=36)  # of rain; the rivers fall for longer


def is_stormy(started: datetime, days: list[date]) -> NDArray[np.bool_]:
    """Whether a storm of the river gauges' own story rains on each of the days. `started` is aware."""
    period = STORY_STEPS * STEP
    first = (started - STORM_BEFORE_START * STEP).astimezone(SHANGHAI)
    stormy = []
    for day in days:
        midnight = datetime.combine(day, datetime.min.time(), SHANGHAI)
        into = (midnight - first) % period  # of the storm that began last before midnight
        begins_today = period - into < timedelta(days=1)
        stormy.append(into < STORM or begins_today)
    return np.array(stormy, dtype=np.bool_)


def day_factors(mix: ClassMix, days: list[date], stormy: NDArray[np.bool_]) -> Floats:
    """Times the mean that each day brings; their mean is 1."""
    season = np.array([mix.months[day.month - 1] for day in days])
    week = np.where([day.weekday() >= 5 for day in days], mix.weekend, 1.0)
    factors = season * week * np.where(stormy, mix.storm, 1.0)
    scaled: Floats = factors / factors.mean()
    return scaled
