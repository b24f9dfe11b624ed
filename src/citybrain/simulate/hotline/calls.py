"""The calls of one day: how many, about what, where, in whose words, and what becomes of each.

A day's calls are a function of the seed and the day alone, so a history written at once and one written day
by day are the same. Some people call about what a neighbour has called about: such a copy belongs to the day
of the first call, though it may come in on the next one.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from citybrain.reading import load_demands
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.hotline.mentions import Given, Spot, draw_given, draw_spot
from citybrain.simulate.hotline.rates import load_rates
from citybrain.simulate.hotline.streets import MARKET, NamedSpot, load_streets
from citybrain.simulate.hotline.telling import phone, tell
from citybrain.simulate.hotline.wording import load_wording
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.meteorology import rain_of_day
from citybrain.simulate.places import load_villages

ZONE = ZoneInfo("Asia/Shanghai")
BUSY_HOURS = (7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20)
PLANTED_FROM = 50_000  # numbers of a day's planted calls


@dataclass(frozen=True)
class PhoneCall:
    """One ticket as it ends. `village`: the one its words can only mean; `same`: first about this matter."""

    number: int
    received_at: datetime
    matter: str
    text: str
    county: str | None
    village: int | None
    same: int
    channel: str
    phone: str
    replied_at: datetime | None
    solved: bool
    satisfaction: int | None

    @property
    def ticket_no(self) -> str:
        return f"HL{self.number:011}"


@cache
def _matters() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Matters and their usual weights."""
    demands, rates = load_demands(), load_rates()
    ids = tuple(kind.matter_id for kind in demands.kinds)
    weights = [
        rates.classes[one.id].weight / len(one.matters) for one in demands.classes for _ in one.matters
    ]
    return ids, np.array(weights)


@cache
def _village_bounds() -> NDArray[np.float64]:
    bounds: NDArray[np.float64] = np.cumsum(load_villages().weights[""])
    return bounds


@cache
def _channel_bounds() -> NDArray[np.float64]:
    bounds: NDArray[np.float64] = np.cumsum(list(load_rates().channels.values()))
    return bounds


def calls_of_day(ledger: Ledger, day: date) -> list[PhoneCall]:
    """The day's calls and their copies, in no order of time."""
    rates, started = load_rates(), ledger.local_start.date()
    random = np.random.default_rng([ledger.seed, day.toordinal(), 650])
    ids, weights = _day_weights(ledger.seed, started, day)
    growth = (1.0 + rates.growth_a_year) ** ((day - started).days / 365.25)
    usual = rates.calls_a_day * ledger.scale * growth * (rates.weekend if day.weekday() >= 5 else 1.0)
    mean = usual / (1 + rates.copies.share * (1 + rates.copies.most) / 2)
    count = int(random.poisson(mean * weights.sum() / _matters()[1].sum()))
    writing = _Day(random, day)
    bounds = np.cumsum(weights) / weights.sum()
    for _ in range(count):
        matter = ids[min(int(np.searchsorted(bounds, random.random())), len(ids) - 1)]
        village = min(int(np.searchsorted(_village_bounds(), random.random())), len(_village_bounds()) - 1)
        spot = draw_spot(random, village)
        first = writing.add(matter, spot, writing.moment(), None)
        if random.random() < rates.copies.share:
            for _ in range(int(random.integers(1, rates.copies.most + 1))):
                later = timedelta(minutes=int(random.integers(5, rates.copies.within_hours * 60)))
                writing.add(matter, spot, first.received_at + later, first.number)
    return writing.calls + _planted(ledger, day)


def _day_weights(seed: int, started: date, day: date) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    rates = load_rates()
    ids, usual = _matters()
    weights = usual.copy()
    heavy = max(0.0, rain_of_day(seed, started, day) - 20.0) / 10.0
    for matter, times in rates.rain.items():
        weights[ids.index(matter)] *= 1.0 + times * heavy
    for season in rates.season:
        if day.month in season.months:
            weights[ids.index(season.matter)] *= season.times
    return ids, weights


class _Day:
    def __init__(self, random: np.random.Generator, day: date, first: int = 1) -> None:
        self.calls: list[PhoneCall] = []
        self._random, self._day, self._next = random, day, first

    def moment(self) -> datetime:
        """A time of the day when people call."""
        random = self._random
        hour = (
            int(random.random() * 24)
            if random.random() < 0.1
            else BUSY_HOURS[int(random.random() * len(BUSY_HOURS))]
        )
        second = int(random.random() * 3600)
        return datetime(self._day.year, self._day.month, self._day.day, hour, tzinfo=ZONE) + timedelta(
            seconds=second
        )

    def add(self, matter: str, spot: Spot, moment: datetime, same: int | None) -> PhoneCall:
        random, rates = self._random, load_rates()
        number = (self._day.toordinal() - date(2020, 1, 1).toordinal()) * 100_000 + self._next
        self._next += 1
        given: Given = draw_given(random, spot.village)
        told = tell(random, load_wording("wording"), matter, spot, given)
        rate = rates.classes[matter.partition(".")[0]]
        hours = rate.hours * float(np.exp(0.55 * random.normal()))
        never, solved = random.random() < rate.never, random.random() < rate.solved
        rating = min(5, max(1, round((4.5 if solved else 2.3) + 0.8 * random.normal())))
        channel = int(np.searchsorted(_channel_bounds(), random.random() * _channel_bounds()[-1]))
        self.calls.append(
            PhoneCall(
                number=number,
                received_at=moment,
                matter=matter,
                text=told.text,
                county=given.county,
                village=told.village,
                same=same or number,
                channel=list(rates.channels)[channel],
                phone=phone(random),
                replied_at=None if never else moment + timedelta(seconds=int(hours * 3600)),
                solved=solved,
                satisfaction=rating if random.random() < rates.rated else None,
            )
        )
        return self.calls[-1]


def _planted(ledger: Ledger, day: date) -> list[PhoneCall]:
    """The stories' calls of the day."""
    stories, before = load_rates().stories, (ledger.local_start.date() - day).days
    writing = _Day(np.random.default_rng([ledger.seed, day.toordinal(), 652]), day, PLANTED_FROM)
    random = np.random.default_rng([ledger.seed, day.toordinal(), 654])
    cut = stories.water_cut
    if before == cut.days_before:
        begin = datetime(day.year, day.month, day.day, cut.hour, tzinfo=ZONE)
        spot, first = _spot(cut_compound()), None
        for minutes in sorted(int(m) for m in random.integers(0, cut.within_hours * 60, cut.calls)):
            call = writing.add(cut.matter, spot, begin + timedelta(minutes=minutes), first)
            first = first or call.number
    rising = stories.rising
    if 0 <= before < rising.days:
        for _ in range(max(rising.least, round(rising.calls_a_day_at_scale_1 * ledger.scale))):
            village = min(
                int(np.searchsorted(_village_bounds(), random.random())), len(_village_bounds()) - 1
            )
            writing.add(rising.matter, draw_spot(random, village), writing.moment(), None)
    repeat = stories.repeat_place
    if 0 < before <= repeat.days and before % repeat.every_days == 0:
        writing.add(repeat.matter, _spot(repeat_market(ledger.seed)), writing.moment(), None)
    return writing.calls


def cut_compound() -> NamedSpot:
    """The compound whose water is cut: the first of the patrol's."""
    name = load_compounds()[0].name
    return next(spot for spot in load_streets() if spot.name == name)


def repeat_market(seed: int) -> NamedSpot:
    """The market that people call about again and again."""
    markets = [spot for spot in load_streets() if spot.kind == MARKET]
    return markets[seed % len(markets)]


def _spot(place: NamedSpot) -> Spot:
    return Spot(place.village, place)
