"""Hot spots of two passes a day as VIIRS's active-fire files give them: works, straw fires, stray fires.

The columns, the words for confidence and the pixel of 375 m are those of NASA FIRMS's VIIRS files.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, plant, setting
from citybrain.simulate.ledger import Ledger

HISTORY_DAYS = 730
WORKS_REACH = 0.002  # degrees
PASSES = (time(5, 48), time(17, 54))  # UTC: after noon and after midnight here
KNOWN_AFTER = timedelta(hours=8)  # a UTC day's file is there at 16:00 here
HEADERS = {
    name: name
    for name in (
        "latitude", "longitude", "bright_ti4", "scan", "track", "acq_date", "acq_time", "satellite",
        "instrument", "confidence", "version", "bright_ti5", "frp", "daynight",
    )
}  # fmt: skip


@dataclass(frozen=True)
class HeatSource:
    """A made-up works that is hot the whole year round: WGS84 degrees, MW, share of passes that see it."""

    latitude: float
    longitude: float
    power: float
    seen: float


SOURCES = (
    HeatSource(33.262, 116.412, 14.0, 0.34),
    HeatSource(33.541, 116.118, 6.0, 0.22),
    HeatSource(33.905, 115.712, 9.0, 0.28),
)
# Harvests of wheat and of maize here, when straw lies in the fields: month, first and last day, fires a day.
HARVESTS = ((6, 3, 22, 2.2), (10, 2, 24, 2.6))
FIELDS = ((33.05, 116.33), (33.12, 116.71), (33.68, 116.05), (33.40, 115.95))
# The story: many fires on one afternoon in the fields of one township's size.
OUTBREAK_DAY = (6, 11)
OUTBREAK_PLACE = (33.055, 116.335)
OUTBREAK_FIRES = 24
OUTBREAK_SPREAD = 0.03

DEFECTS = [
    Defect("brightness_impossible", 0.004, "bright_ti4", setting("bright_ti4", 9999.0)),
    Defect("confidence_unknown", 0.004, "confidence", setting("confidence", "87")),
    Defect("position_missing", 0.003, "latitude", setting("latitude", "")),
    Defect("hemisphere_wrong", 0.003, "longitude", changing("longitude", lambda degrees: -degrees)),
    Defect("time_unreadable", 0.003, "acq_time", setting("acq_time", "5:48")),
    Defect("sent_twice", 0.004, "latitude", None),
]


def hotspot_rows(seed: int, day: date) -> list[Row]:
    """What was seen on a day (UTC), in the order of the passes."""
    return [row for nth, moment in enumerate(PASSES) for row in _pass_rows(seed, day, moment, nth)]


def _pass_rows(seed: int, day: date, moment: time, nth: int) -> Iterator[Row]:
    random = np.random.default_rng([seed, day.toordinal(), nth])
    for source in SOURCES:
        if random.uniform() < source.seen:
            yield _row(random, day, moment, (source.latitude, source.longitude), 0.0012, source.power)
    afternoon = nth == 0
    for month, first, last, fires in HARVESTS:
        if day.month == month and first <= day.day <= last:
            for _ in range(int(random.poisson(fires if afternoon else 0.3 * fires))):
                field = FIELDS[int(random.integers(len(FIELDS)))]
                yield _row(random, day, moment, field, 0.06, 4.0)
    if afternoon and (day.month, day.day) == OUTBREAK_DAY:
        for _ in range(OUTBREAK_FIRES):
            yield _row(random, day, moment, OUTBREAK_PLACE, OUTBREAK_SPREAD, 7.0)
    if random.uniform() < 0.03:
        place = float(random.uniform(33.0, 33.95)), float(random.uniform(115.7, 116.8))
        yield _row(random, day, moment, place, 0.0, 2.0)


def _row(
    random: np.random.Generator,
    day: date,
    moment: time,
    place: tuple[float, float],
    spread: float,
    power: float,
) -> Row:
    """One detection within `spread` degrees of `place`, of about `power` MW."""
    off = random.uniform(-spread, spread, 2) if spread else np.zeros(2)
    frp = power * float(random.lognormal(0, 0.45))
    brightness = float(np.clip(318 + 7.5 * np.log1p(frp) + random.normal(0, 4), 300, 367))
    confidence = "high" if brightness > 345 else "nominal" if brightness > 322 else "low"
    return {
        "latitude": round(place[0] + float(off[0]), 5),
        "longitude": round(place[1] + float(off[1]), 5),
        "bright_ti4": round(brightness, 2),
        "scan": round(float(random.uniform(0.32, 0.8)), 2),
        "track": round(float(random.uniform(0.36, 0.78)), 2),
        "acq_date": day.isoformat(),
        "acq_time": f"{moment:%H%M}",
        "satellite": "N20" if day.toordinal() % 2 else "N21",
        "instrument": "VIIRS",
        "confidence": confidence,
        "version": "2.0NRT",
        "bright_ti5": round(brightness - float(random.uniform(18, 45)), 2),
        "frp": round(frp, 2),
        "daynight": "D" if moment == PASSES[0] else "N",
    }


def hotspot_content(seed: int, first: date, last: date) -> Content:
    """The file of the days from `first` to `last`."""
    rows: list[Row] = []
    keys: list[int] = []
    for number in range(first.toordinal(), last.toordinal() + 1):
        found = hotspot_rows(seed, date.fromordinal(number))
        keys += [number * 1000 + nth for nth in range(len(found))]
        rows += found
    truth = plant(
        seed,
        "satellite_hotspot",
        rows,
        np.array(keys, dtype=np.int64),
        lambda row: f"{row['latitude']} {row['longitude']} {row['acq_date']} {row['acq_time']}",
        DEFECTS,
    )
    return csv_bytes(HEADERS, rows), len(rows), truth


def hotspot_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Two years in one file at first, then a file for each UTC day with hot spots."""
    newest, begun = newest_day(local), newest_day(ledger.started)
    first = begun - timedelta(days=HISTORY_DAYS - 1)
    yield _delivery(ledger.seed, first, begun)
    for number in range(begun.toordinal() + 1, newest.toordinal() + 1):
        day = date.fromordinal(number)
        if hotspot_rows(ledger.seed, day):
            yield _delivery(ledger.seed, day, day)


def _delivery(seed: int, first: date, last: date) -> Delivery:
    moment = datetime.combine(last + timedelta(days=1), time(), UTC) + KNOWN_AFTER
    name = f"viirs_{first:%Y%m%d}_{last:%Y%m%d}.csv"
    return dropped("satellite_hotspot", name, moment, 2, partial(hotspot_content, seed, first, last))


def is_works(row: Row) -> bool:
    """Whether a hot spot is that of a works: fields keep their distance from all of them."""
    return any(
        math.hypot(row["latitude"] - source.latitude, row["longitude"] - source.longitude) < WORKS_REACH
        for source in SOURCES
    )


def newest_day(moment: datetime) -> date:
    """The newest UTC day whose file is there at an aware moment."""
    return (moment.astimezone(UTC) - KNOWN_AFTER).date() - timedelta(days=1)


def hotspot_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The newest afternoon on which straw burnt in many fields at once."""
    newest = newest_day(ledger.started)
    day = date(newest.year, *OUTBREAK_DAY)
    if day > newest:
        day = day.replace(year=newest.year - 1)
    return [
        {
            "story": "straw_burning",
            "dataset": "satellite_hotspot",
            "key": "{} {}".format(*OUTBREAK_PLACE),
            "from": datetime.combine(day, PASSES[0], UTC).isoformat(),
            "to": datetime.combine(day, PASSES[0], UTC).isoformat(),
            "what": f"{OUTBREAK_FIRES} hot spots within {OUTBREAK_SPREAD} degrees on one afternoon",
        }
    ]
