"""The whole past of the demo city, in batches of whole days, the oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

import numpy as np
from numpy.typing import NDArray

from citybrain.events.told import ToldCase
from citybrain.simulate.case_history.mix import ClassMix, Mix, load_mix
from citybrain.simulate.case_history.places import Spots, spots_of
from citybrain.simulate.case_history.telling import LUCK, Manner, manner_of, tell
from citybrain.simulate.case_history.weather import day_factors, is_stormy
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.ledger import Ledger

HISTORY_MONTHS = 24
DAYS = 730
CASES_OF_BATCH = 4_500


@dataclass(frozen=True)
class Batch:
    """Whole days of cases; `key` is the same whenever they are told again."""

    key: str
    first: date
    last: date
    cases: list[ToldCase]


@dataclass(frozen=True)
class _Class:
    """A class with everything that tells its cases; a_day: the mean of each day of the history."""

    mix: ClassMix
    manner: Manner
    spots: Spots
    a_day: NDArray[np.float64]
    forgets_on: date | None  # the day whose first case of the class is forgotten


def plan_cases(ledger: Ledger, months: int = HISTORY_MONTHS) -> Iterator[Batch]:
    """The last `months` (1 to 24) of cases before the demo city started, as they were known then.

    The same seed, scale and start tell the same cases, in the same batches, for any number of months.
    """
    mix, until = load_mix(), ledger.started.astimezone(SHANGHAI)
    days = [until.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    classes = _classes(mix, ledger, days, until)
    a_batch = max(1, round(CASES_OF_BATCH / (sum(one.a_day for one in mix.classes) * ledger.scale)))
    wanted = min(DAYS, ceil(months * DAYS / HISTORY_MONTHS))
    for back in range(ceil(wanted / a_batch) - 1, -1, -1):
        places = range(max(0, DAYS - (back + 1) * a_batch), DAYS - back * a_batch)
        cases = [case for place in places for case in _day(ledger, classes, days, place, until)]
        first, last = days[places[0]], days[places[-1]]
        key = f"demo:{ledger.seed}:{ledger.enterprises}:{until.isoformat()}:{first}:{last}"
        yield Batch(key, first, last, cases)


def case_number(day: date, number: int) -> str:
    """The number of a day's nth case (from 1)."""
    return f"BZ-{day:%Y%m%d}-H{number:05d}"


def forgotten_day(until: datetime) -> date:
    """The day of the case that is forgotten; `until` is the end of the history."""
    return until.date() - timedelta(days=load_mix().forgotten.days_before)


def planned_cases(ledger: Ledger, months: int = HISTORY_MONTHS) -> int:
    """About how many cases that is, without telling one."""
    mean = sum(one.a_day for one in load_mix().classes) * ledger.scale
    return round(mean * DAYS * months / HISTORY_MONTHS)


def _classes(mix: Mix, ledger: Ledger, days: list[date], until: datetime) -> list[_Class]:
    stormy = is_stormy(ledger.started, days)
    return [
        _Class(
            mix=one,
            manner=manner_of(mix, one, until),
            spots=spots_of(one, ledger.seed, ledger.scale, mix.trouble_spot),
            a_day=one.a_day * ledger.scale * day_factors(one, days, stormy),
            forgets_on=forgotten_day(until)
            if (one.scenario, one.class_code) == (mix.forgotten.scenario, mix.forgotten.class_code)
            else None,
        )
        for one in mix.classes
    ]


def _day(
    ledger: Ledger, classes: list[_Class], days: list[date], place: int, until: datetime
) -> Iterator[ToldCase]:
    """The cases of one day, numbered in the order in which they were found."""
    day = days[place]
    midnight = datetime.combine(day, datetime.min.time(), SHANGHAI)
    found: list[tuple[datetime, int, int, list[float]]] = []
    for index, one in enumerate(classes):
        random = np.random.default_rng([ledger.seed, one.mix.number, day.toordinal()])
        count = max(int(random.poisson(one.a_day[place])), int(day == one.forgets_on))
        first, last = one.mix.hours
        seconds = (3600 * (first + (last - first) * random.random(count))).astype(int).tolist()
        lucks = random.random((count, LUCK + 1)).tolist()
        found += [
            (midnight + timedelta(seconds=second), index, nth, luck)
            for nth, (second, luck) in enumerate(zip(seconds, lucks, strict=True))
        ]
    age_share = 1 - place / (DAYS - 1)
    for number, (at, index, nth, luck) in enumerate(sorted(found), 1):
        if at > until:
            return
        one = classes[index]
        spot = one.spots.at(luck[LUCK])
        forgotten = day == one.forgets_on and nth == 0
        told = tell(one.manner, case_number(day, number), spot, at, age_share, luck, forgotten)
        if told is not None:
            yield told
