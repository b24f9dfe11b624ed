"""GPS points of the fleets, as Parquet: the last seven days at first, then what is new.

A truck shuttles along its corridor while its fleet works and stands at both ends. The muck trucks of one
company cheat from five days before the city begins: by night they drive to a dump nobody approved, far off
their corridor and too fast, and by day their boxes fall silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.delivery import SHANGHAI, Content
from citybrain.simulate.dirt import Defect, changing, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Floats, normal, uniform
from citybrain.simulate.urban.column_files import Columns, parquet_of_columns
from citybrain.simulate.urban.fleets import FLEETS, Corridor, Fleet, load_corridors, vehicles_of
from citybrain.simulate.urban.spans import day_number, microseconds_utc, weekdays

Integers = NDArray[np.int64]

TRACK_HISTORY = timedelta(days=7)
DAY = 24 * 60
DWELL = 12  # minutes at each end of the corridor
CHEAT_BEFORE_START, CHEAT_EVERY = 5, 2  # days
CHEAT_NIGHT = (120, 225)  # minutes of the day: 02:00 to 03:45
CHEAT_SPEED = 78.0
DUMP_EAST, DUMP_NORTH = 0.031, 0.022  # the unapproved dump, in degrees from the middle of the corridor
SILENT = (600, 655)  # 10:00 to 10:55
SCHEMA = pa.schema(
    [
        ("vehicle_code", pa.string()),
        ("observed_at", pa.timestamp("us", tz="UTC")),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
        ("speed_kmh", pa.float64()),
        ("engine_on", pa.bool_()),
    ]
)
DEFECTS = [
    Defect("position_zero", 0.0008, "longitude", setting("longitude", 0.0)),
    Defect("speed_impossible", 0.0006, "speed_kmh", setting("speed_kmh", 655.35)),
    Defect("vehicle_missing", 0.0003, "vehicle_code", setting("vehicle_code", None)),
    Defect(
        "time_in_future",
        0.0004,
        "observed_at",
        changing("observed_at", lambda time: int(time) + 365 * 86_400_000_000),
    ),
    Defect("sent_twice", 0.0006, "vehicle_code", None),
]


@dataclass(frozen=True)
class _Points:
    """Equally long columns; `minutes` are minutes of Beijing time since 1970."""

    minutes: Integers
    longitudes: Floats
    latitudes: Floats
    speeds: Floats
    engine_on: NDArray[np.bool_]


def track_delivery(ledger: Ledger, since: datetime, until: datetime) -> Content:
    """The points from `since` to before `until`, both aware and on whole minutes."""
    columns, keys = track_columns(ledger, since, until)
    columns, truth = plant_columns(
        ledger.seed,
        "vehicle_track",
        columns,
        keys,
        lambda row: f"{row['vehicle_code']} {int(row['observed_at'])}",
        DEFECTS,
    )
    return parquet_of_columns(SCHEMA, columns), len(columns["vehicle_code"]), truth


def track_columns(ledger: Ledger, since: datetime, until: datetime) -> tuple[Columns, Integers]:
    """The sound points and a key of each."""
    vehicles, corridors = vehicles_of(ledger), load_corridors()
    first, last = _local_minute(since), _local_minute(until)
    cheats = vehicles.cheats()
    codes, parts, keys = [], [], []
    for number in range(len(vehicles)):
        fleet, corridor = FLEETS[vehicles.fleets[number]], corridors[vehicles.corridors[number]]
        points = _points(ledger, number, fleet, corridor, bool(cheats[number]), first, last)
        codes.append(np.full(len(points.minutes), vehicles.codes[number], dtype=object))
        keys.append(np.int64(number) * 2**32 + points.minutes)
        parts.append(points)
    columns: Columns = {
        "vehicle_code": np.concatenate(codes),
        "observed_at": microseconds_utc(np.concatenate([part.minutes for part in parts])),
        "longitude": np.round(np.concatenate([part.longitudes for part in parts]), 6),
        "latitude": np.round(np.concatenate([part.latitudes for part in parts]), 6),
        "speed_kmh": np.round(np.concatenate([part.speeds for part in parts]), 1),
        "engine_on": np.concatenate([part.engine_on for part in parts]),
    }
    return columns, np.concatenate(keys)


def _local_minute(moment: datetime) -> int:
    """Minutes of Beijing time since 1970; `moment` is aware."""
    return int(moment.timestamp()) // 60 + 8 * 60


def _points(
    ledger: Ledger, number: int, fleet: Fleet, corridor: Corridor, cheats: bool, first: int, last: int
) -> _Points:
    cadence = fleet.cadence
    minutes = np.arange(-(-first // cadence) * cadence, last, cadence)
    day, of_day = np.divmod(minutes, DAY)
    into = np.full(len(minutes), -1)
    ends = np.zeros(len(minutes), dtype=bool)
    for window in fleet.windows:
        within = (of_day >= window.begin) & (of_day < window.end)
        if window.workdays_only:
            within &= weekdays(day) < 5
        into[within] = of_day[within] - window.begin
        # the engine is off at the last two points: one may be lost on the way
        ends |= within & (of_day + 2 * cadence >= window.end)
    working = into >= 0
    if cheats:
        night = _cheating(ledger, day) & (of_day >= CHEAT_NIGHT[0]) & (of_day < CHEAT_NIGHT[1])
        silent = _cheating(ledger, day) & (of_day >= SILENT[0]) & (of_day < SILENT[1])
        working &= ~silent
    else:
        night = np.zeros(len(minutes), dtype=bool)
    usual = _on_corridor(ledger.seed, number, fleet, corridor, minutes[working], into[working], ends[working])
    if not night.any():
        return usual
    return _merged(usual, _to_the_dump(corridor, minutes[night], of_day[night] - CHEAT_NIGHT[0]))


def _on_corridor(
    seed: int,
    number: int,
    fleet: Fleet,
    corridor: Corridor,
    minutes: Integers,
    into: Integers,
    ends: NDArray[np.bool_],
) -> _Points:
    """There and back between a site and a dump, with a rest at both."""
    lone = np.array([number])
    cruise = fleet.cruise * (0.9 + 0.2 * float(uniform(seed, "track/cruise", lone)[0]))
    trip = 60 * corridor.km / cruise
    phase = (into + 30 * float(uniform(seed, "track/phase", lone)[0])) % (2 * trip + 2 * DWELL)
    way = np.interp(
        phase,
        [0, trip, trip + DWELL, 2 * trip + DWELL, 2 * trip + 2 * DWELL],
        [0, corridor.km, corridor.km, 0, 0],
    )
    moving = (phase < trip) | ((phase >= trip + DWELL) & (phase < 2 * trip + DWELL))
    keys = np.int64(number) * 2**32 + minutes
    hurry = np.where(uniform(seed, "track/hurry", keys) < 0.004, fleet.limit * 1.25, cruise)
    speeds = np.where(
        moving & ~ends, np.clip(hurry * (1 + 0.08 * normal(seed, "track/speed", keys)), 3, None), 0.0
    )
    drift = 6e-5  # some metres, as receivers have
    return _Points(
        minutes,
        np.interp(way, corridor.along, corridor.lons) + drift * normal(seed, "track/x", keys),
        np.interp(way, corridor.along, corridor.lats) + drift * normal(seed, "track/y", keys),
        speeds,
        ~ends,
    )


def _cheating(ledger: Ledger, days: Integers) -> NDArray[np.bool_]:
    since = days - (day_number(ledger.local_start.date()) - CHEAT_BEFORE_START)
    nights: NDArray[np.bool_] = (since >= 0) & (since % CHEAT_EVERY == 0)
    return nights


def unapproved_dump(corridor: Corridor) -> tuple[float, float]:
    """Where the cheats unload: some three kilometres off the corridor."""
    middle = len(corridor.lons) // 2
    return float(corridor.lons[middle]) + DUMP_EAST, float(corridor.lats[middle]) + DUMP_NORTH


def _to_the_dump(corridor: Corridor, minutes: Integers, into: Integers) -> _Points:
    """From the site straight to the unapproved dump, half an hour there, and back."""
    lon, lat = unapproved_dump(corridor)
    there = np.interp(into, [0, 30, 65, 95], [0.0, 1.0, 1.0, 0.0])
    driving = (into < 30) | ((into >= 65) & (into < 95))
    last = into >= CHEAT_NIGHT[1] - CHEAT_NIGHT[0] - 2
    return _Points(
        minutes,
        corridor.lons[0] + there * (lon - corridor.lons[0]),
        corridor.lats[0] + there * (lat - corridor.lats[0]),
        np.where(driving, CHEAT_SPEED, 0.0),
        ~last,
    )


def _merged(one: _Points, other: _Points) -> _Points:
    """Both, in order of time."""
    order = np.argsort(np.concatenate([one.minutes, other.minutes]), kind="stable")
    return _Points(
        np.concatenate([one.minutes, other.minutes])[order],
        np.concatenate([one.longitudes, other.longitudes])[order],
        np.concatenate([one.latitudes, other.latitudes])[order],
        np.concatenate([one.speeds, other.speeds])[order],
        np.concatenate([one.engine_on, other.engine_on])[order],
    )


def cheat_stories(ledger: Ledger) -> Iterator[dict[str, str]]:
    """What the muck trucks of one company do, and which ones they are."""
    vehicles = vehicles_of(ledger)
    first: date = ledger.started.astimezone(SHANGHAI).date() - timedelta(days=CHEAT_BEFORE_START)
    trucks = ",".join(vehicles.codes[vehicles.cheats()].tolist())
    for story, what in (
        (
            "muck_fleet_leaves_corridor",
            "off its corridor from 02:00 to 03:45, outside the permitted hours, at 78 km/h",
        ),
        ("muck_fleet_dumps", "stands for half an hour from 02:30 at a dump that is not approved"),
        ("muck_fleet_goes_silent", "sends nothing from 10:00 to 10:55 with the engine on"),
    ):
        yield {
            "story": story,
            "dataset": "vehicle_track",
            "key": trucks,
            "from": first.isoformat(),
            "to": ledger.local_start.date().isoformat(),
            "what": f"every second day a truck of the company {what}",
        }
