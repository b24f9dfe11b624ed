"""What rules over readings, tracks and records have to find in the demo city: everything that was planted.

Worked out from the plans, without the noise of instruments and without the spoilt rows of deliveries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.air import city_pm10
from citybrain.simulate.delivery import SHANGHAI
from citybrain.simulate.economy.major import (
    AT_SCALE_1,
    LEAST,
    REPORTED_ON,
    SILENT,
    SILENT_MONTHS,
    UNPERMITTED,
    majors,
)
from citybrain.simulate.hotline.tickets import waiting_groups
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import last_day, newest_reported
from citybrain.simulate.noise import Keys
from citybrain.simulate.satellite.hotspots import PASSES, hotspot_rows, is_works, newest_day
from citybrain.simulate.satellite.landscape import TILES, to_wgs84
from citybrain.simulate.sensors.fleet import Fleet, load_fleets
from citybrain.simulate.sensors.signal import minute_number, planted_at, silent_at
from citybrain.simulate.services.records import waiting_by_department
from citybrain.simulate.urban.fleets import vehicles_of
from citybrain.simulate.urban.tracks import (
    CHEAT_BEFORE_START,
    CHEAT_EVERY,
    CHEAT_NIGHT,
)
from citybrain.simulate.urban.tracks import (
    SILENT as SILENT_BOXES,
)

LAG_SHARE = 0.15
LEAST_OVERDUE = 5
HEARD = timedelta(hours=168)  # a call older than this is no news
LOADED_WITHIN = timedelta(days=1)
LEAST_WAIT = timedelta(hours=6)  # what two wait for no longer may come and go between two deliveries


@dataclass(frozen=True)
class Planted:
    """One thing that happens to a subject, and the rule that has to tell it.

    What is seen from above has no name before it is seen: its subject is empty, and its place (WGS84) known.
    """

    rule: str
    subject: str
    since: datetime
    until: datetime
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Watched:
    """A kind of devices: how far back its rule looks, from which value on, for how many readings."""

    scenario: str
    rule: str
    kind: str
    hours: int
    limit: float
    readings: int
    below: bool = False


WATCHED = (
    Watched("flood_waterlogging", "depth", "water_level", 240, 15, 2),
    Watched("gas_leak_monitoring", "methane", "gas", 72, 10, 2),
    Watched("bridge_health", "strain", "bridge", 200, 240, 2),
    Watched("manhole_cover_anomaly", "tilt", "manhole", 96, 30, 1),
    Watched("elderly_living_alone", "no_water", "smart_meter", 96, 0, 4, below=True),
)
DUST = Watched("construction_dust", "against_station", "dust", 48, 1.5, 2)
LEAST_DUST = 100


def sensing_truths(
    ledger: Ledger,
) -> Iterator[tuple[str, tuple[str, ...], datetime, datetime, list[Planted]]]:
    """For each scenario: its name, the rules whose truth is known, since and until when, what was planted."""
    reached = ledger.reached or ledger.started
    fleets = {fleet.kind.id: fleet for fleet in load_fleets(ledger.seed, ledger.enterprises)}
    for watched in (*WATCHED, DUST):
        since = ledger.started - timedelta(hours=watched.hours)
        planted = list(_of_devices(ledger, fleets[watched.kind], watched, since, reached))
        yield watched.scenario, (watched.rule,), since, reached, planted
    since = ledger.started - timedelta(hours=48)
    rules: tuple[str, ...] = ("corridor", "hours", "speed", "stop", "silent")
    yield "multi_vehicle_supervision", rules, since, reached, list(_of_vehicles(ledger, since, reached))
    begin = ledger.started - timedelta(days=5000)
    rules = ("lagging", "silent", "permit")
    # Projects are told by the clock of the load, which comes after the moment that the city had reached.
    looked = reached + LOADED_WITHIN
    yield "major_project_supervision", rules, begin, looked, list(_of_projects(ledger, reached))
    yield "gov_service_overdue", ("overdue",), begin, reached, list(_of_records(ledger, reached))
    yield "hotline_12345", ("same_matter",), ledger.started - HEARD, reached, list(_of_calls(ledger, reached))
    newest = newest_day(ledger.started)
    since = datetime.combine(newest, PASSES[0], UTC)
    yield "straw_burning_ban", ("hot_spot",), since, reached, list(_of_fires(ledger, newest, reached))
    # A quarter's scenes are looked at when somebody gets to it, so what is told may be told much later.
    looked = reached + timedelta(days=120)
    for scenario, rule, in_line in (
        ("illegal_construction", "without_permit", False),
        ("river_lake_four_disorders", "inside_the_line", True),
    ):
        yield scenario, (rule,), begin, looked, list(_of_buildings(rule, in_line, begin, looked))


def _of_devices(
    ledger: Ledger, fleet: Fleet, watched: Watched, since: datetime, until: datetime
) -> Iterator[Planted]:
    step, start = fleet.kind.metric.minutes, minute_number(ledger.started)
    minutes = (
        np.arange(minute_number(since) // step + 1, minute_number(until) // step + 1, dtype=np.int64) * step
    )
    values = planted_at(ledger.seed, fleet, minutes, start)
    if fleet.kind.air:
        city = city_pm10(ledger.seed, minutes // 60 + 8, start // 60 + 8)
        values = np.where(values >= LEAST_DUST, values / np.maximum(city, 1), 0.0)
    over = values <= watched.limit if watched.below else values >= watched.limit
    over &= ~silent_at(ledger.seed, fleet, minutes, start)
    for device in np.flatnonzero(over.any(axis=1)).tolist():
        for first, last in _runs(over[device]):
            if last - first + 1 >= watched.readings:
                yield Planted(
                    watched.rule, str(fleet.ids[device]), _moment(minutes, first), _moment(minutes, last)
                )


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last place of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    for first, after in edges.reshape(-1, 2).tolist():
        yield first, after - 1


def _moment(minutes: Keys, place: int) -> datetime:
    return datetime.fromtimestamp(int(minutes[place]) * 60, SHANGHAI)


def _of_vehicles(ledger: Ledger, since: datetime, until: datetime) -> Iterator[Planted]:
    """The nights and mornings of the company that cheats; a trip to the dump leaves the corridor at once."""
    vehicles = vehicles_of(ledger)
    first = ledger.local_start.date() - timedelta(days=CHEAT_BEFORE_START)
    acts = (
        ("corridor", CHEAT_NIGHT[0], CHEAT_NIGHT[0] + 95),
        ("hours", CHEAT_NIGHT[0], CHEAT_NIGHT[0] + 95),
        ("speed", CHEAT_NIGHT[0], CHEAT_NIGHT[0] + 30),
        ("speed", CHEAT_NIGHT[0] + 65, CHEAT_NIGHT[0] + 95),
        ("stop", CHEAT_NIGHT[0] + 30, CHEAT_NIGHT[0] + 65),
        ("silent", SILENT_BOXES[0] + 30, SILENT_BOXES[1]),
    )
    day = first
    while day <= until.astimezone(SHANGHAI).date():
        midnight = datetime.combine(day, time(), SHANGHAI)
        for code in vehicles.codes[vehicles.cheats()].tolist():
            for rule, begin, end in acts:
                planted = Planted(
                    rule, code, midnight + timedelta(minutes=begin), midnight + timedelta(minutes=end)
                )
                if planted.since >= since and planted.until <= until:
                    yield planted
        day += timedelta(days=CHEAT_EVERY)


def _of_projects(ledger: Ledger, until: datetime) -> Iterator[Planted]:
    first = ledger.started.astimezone(SHANGHAI).date()
    newest = newest_reported(until.astimezone(SHANGHAI).date(), REPORTED_ON)
    silent_from = newest_reported(first, REPORTED_ON) - SILENT_MONTHS + 1
    day = last_day(newest)
    for major in majors(ledger.seed, ledger.scaled(AT_SCALE_1, LEAST), first):
        known = min(day, last_day(silent_from - 1)) if major.number == SILENT else day
        gone = min(max(((day - major.start).days + 1) / ((major.finish - major.start).days + 1), 0), 1)
        span = (datetime.combine(major.start, time(), SHANGHAI), until)
        if gone - major.share_at(known) > LAG_SHARE and major.share_at(known) < 1:
            yield Planted("lagging", major.code, *span)
        if major.number == SILENT:
            yield Planted("silent", major.code, *span)
        if major.number == UNPERMITTED:
            yield Planted("permit", major.code, *span)


def _of_records(ledger: Ledger, until: datetime) -> Iterator[Planted]:
    """Departments of a county with so many open records over their time, from the end of one day on."""
    first = ledger.local_start.toordinal() - 1  # the newest day that the city is told of when it begins
    days = range(first, until.astimezone(SHANGHAI).toordinal())
    waiting = waiting_by_department(ledger, days)
    for department, county in sorted({pair for pairs in waiting.values() for pair in pairs}):
        over = np.array([waiting[day].get((department, county), 0) >= LEAST_OVERDUE for day in days])
        for begin, end in _runs(over):
            ends = until if end == len(days) - 1 else _midnight(days[end] + 2)
            yield Planted("overdue", f"{department}-{county}", _midnight(days[begin] + 1), ends)


def _midnight(day: int) -> datetime:
    """With which a day, an ordinal, begins."""
    return datetime.combine(date.fromordinal(day), time(), SHANGHAI)


def _of_calls(ledger: Ledger, until: datetime) -> Iterator[Planted]:
    """Matters that two callers and more wait for an answer to, at the beginning or for hours since."""
    for group, begin, end in waiting_groups(ledger, until, HEARD):
        if begin <= ledger.started < end or end - begin >= LEAST_WAIT:
            yield Planted("same_matter", group, begin, end)


def _of_fires(ledger: Ledger, first: date, until: datetime) -> Iterator[Planted]:
    """Hot spots in fields, surely seen, of the newest day when the city began and of every day since."""
    for number in range(first.toordinal(), newest_day(until).toordinal() + 1):
        for row in hotspot_rows(ledger.seed, date.fromordinal(number)):
            if row["confidence"] == "low" or is_works(row):
                continue
            seen = datetime.strptime(f"{row['acq_date']} {row['acq_time']}", "%Y-%m-%d %H%M").replace(
                tzinfo=UTC
            )
            subject = f"{row['latitude']:.5f}-{row['longitude']:.5f}"
            yield Planted("hot_spot", subject, seen, seen)


def _of_buildings(rule: str, in_line: bool, since: datetime, until: datetime) -> Iterator[Planted]:
    """Buildings that went up while the city was looked at, none of them permitted."""
    for tile in TILES:
        for building in tile.buildings:
            if building.first > 0 and building.until is None and (building.inside_line or not in_line):
                lon, lat = to_wgs84(tile, tile.corners(building).mean(axis=0, keepdims=True))[0].tolist()
                yield Planted(rule, "", since, until, lon, lat)
