"""What the counters handled: a record is sent when it is accepted, and again when it is finished."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue.working_day import is_working_day
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, changing, is_sound, one_of, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.parquet_file import parquet_bytes
from citybrain.simulate.places import load_villages
from citybrain.simulate.services.content import load_services
from citybrain.simulate.services.items import ONLINE_LEVELS, item_rows
from citybrain.simulate.services.office_clock import WORKING_DAY, Moments, OfficeClock

Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

A_WORKING_DAY = 1000  # records at scale 1
LEAST = 2  # of them, however small the city
ON_A_DAY_OFF = 0.12  # of them, through the web alone
DAY_NUMBERS = 100_000  # more than a day has records
LONGEST_DAYS = 90  # working days: nothing stays open longer
LONGEST = timedelta(days=170)  # the same by the calendar, with the longest holidays
CHANNELS = ("窗口", "网上大厅", "手机端", "自助终端")
WINDOW, WEB, MOBILE, TERMINAL = range(4)
PACE_OF_COUNTY = np.array([1.0, 1.06, 1.14, 1.2])
PILING_UP = "natural_resources"
PILE_BEFORE_START = timedelta(days=60)
NOT_RATED = 0

DEFECTS = [
    Defect("item_code_malformed", 0.0015, "item_code", one_of("item_code", ["3416-6-17", "窗口自编08"])),
    Defect("department_missing", 0.0010, "department", setting("department", "")),
    Defect("county_unknown", 0.0012, "county_code", one_of("county_code", ["341699", "340100"])),
    Defect("satisfaction_off_scale", 0.0012, "satisfaction", one_of("satisfaction", [6, 9, 10])),
    Defect(
        "accepted_in_future",
        0.0008,
        "accepted_at",
        changing("accepted_at", lambda moment: (moment + np.timedelta64(4000, "D")).item()),
    ),
    Defect("phone_not_masked", 0.0012, "applicant_phone", setting("applicant_phone", "13000000000")),
    Defect("sent_twice", 0.0010, "record_no", None),
]


def _keys(ledger: Ledger, first: date, last: date) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """The records accepted on these days: day since 1970, number within the day, whether people work then."""
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    works = np.array([is_working_day(day)[0] for day in days.tolist()])
    numbers = days.astype(np.int64)
    busy = np.exp(0.12 * normal(ledger.seed, "service/day", numbers))
    growth = 1.1 ** _years(ledger, numbers)
    wanted = A_WORKING_DAY * ledger.scale * busy * growth * np.where(works, 1.0, ON_A_DAY_OFF)
    counts = np.maximum(np.rint(wanted).astype(np.int64), np.where(works, LEAST, 0))
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(numbers, counts), np.arange(counts.sum()) - starts, np.repeat(works, counts)


def _years(ledger: Ledger, days: Integers) -> Floats:
    """Years since the city's first day; negative before it."""
    first = int(np.datetime64(ledger.local_start, "D").astype(np.int64))
    years: Floats = (days - first) / 365.25
    return years


def _pick(seed: int, stream: str, keys: Integers, weights: Floats) -> Integers:
    """One place of `weights` for each key, the heavier the more often."""
    bounds = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(bounds, uniform(seed, stream, keys)), len(weights) - 1)


def _channels(
    ledger: Ledger, keys: Integers, days: Integers, works: NDArray[np.bool_], depth: Integers
) -> Integers:
    """Ever more people stay at home, most for items that can be handled online; offices rest on days off."""
    away = np.clip(0.10 + 0.16 * depth + 0.05 * _years(ledger, days), 0.02, 0.94)
    way = uniform(ledger.seed, "service/way", keys)
    channel = np.select([way < 0.55 * away, way < away, way < away + 0.05], [WEB, MOBILE, TERMINAL], WINDOW)
    return np.where(works, channel, np.where(way < 0.5, WEB, MOBILE))


def _accepted(seed: int, keys: Integers, days: Integers, channel: Integers) -> Moments:
    """Windows and terminals accept 08:00-12:00 and 14:00-17:30, the web from 07:00 to 22:00."""
    share = uniform(seed, "service/second", keys)
    office = (share * 7.5 * 3600).astype(np.int64)
    office = np.where(office < 4 * 3600, 8 * 3600 + office, 10 * 3600 + office)
    second = np.where(np.isin(channel, (WINDOW, TERMINAL)), office, (7 + 15 * share) * 3600).astype(np.int64)
    moments: Moments = days.astype("datetime64[D]").astype("datetime64[s]") + second.astype("timedelta64[s]")
    return moments


def _pile(ledger: Ledger, days: Integers) -> Floats:
    """How many times longer handling takes where files pile up: ever longer up to the first day."""
    into = days - np.datetime64(ledger.local_start - PILE_BEFORE_START, "D").astype(np.int64)
    return 1 + 4.5 * np.clip(into / PILE_BEFORE_START.days, 0, 1) * (into < 3 * PILE_BEFORE_START.days)


def _records(ledger: Ledger, first: date, last: date) -> tuple[Columns, Integers]:
    """The records accepted on these days as they will end, and a number for each that stays the same."""
    seed, services, items = ledger.seed, load_services(), item_rows(ledger.seed)
    days, numbers, works = _keys(ledger, first, last)
    keys = days * DAY_NUMBERS + numbers

    departments = np.array([department.id for department in services.departments], dtype=object)
    subjects = np.array([len(department.subjects) for department in services.departments])
    sizes = subjects * len(services.actions)
    loads = np.array([department.load for department in services.departments])
    department = _pick(seed, "service/department", keys, loads)
    within = (uniform(seed, "service/item", keys) ** 1.8 * sizes[department]).astype(np.int64)
    item = (np.cumsum(sizes) - sizes)[department] + within
    places = load_villages()
    residents = np.bincount(places.counties, weights=places.weights[""]).astype(np.float64)
    county = _pick(seed, "service/county", keys, residents)
    levels = ("", *ONLINE_LEVELS)
    depth = np.array([levels.index(row["online_level"]) for row in items])
    channel = _channels(ledger, keys, days, works, depth[item])
    accepted = _accepted(seed, keys, days, channel)

    promised = np.maximum(np.array([row["promised_days"] for row in items])[item], 1)
    pace = np.exp(0.25 * normal(seed, "service/pace", np.arange(len(loads))))[department]
    pace = pace * PACE_OF_COUNTY[county] * np.exp(0.5 * normal(seed, "service/length", keys))
    pace = pace * np.where(departments[department] == PILING_UP, _pile(ledger, days), 1.0)
    spent = np.clip(0.34 * promised * pace * WORKING_DAY, 60, LONGEST_DAYS * WORKING_DAY).astype(np.int64)
    clock = OfficeClock.between(first, last + LONGEST)
    began = clock.read(accepted)
    due, finished = clock.moment(began + promised * WORKING_DAY), clock.moment(began + spent)

    rated = uniform(seed, "service/rated", keys) < 0.72
    mood = uniform(seed, "service/mood", keys) - 0.28 * (finished > due) - 0.02 * county
    score = np.searchsorted([-0.20, -0.12, 0.0, 0.16], mood) + 1
    phone = (uniform(seed, "service/phone", keys) * 1_000_000).astype(np.int64)
    columns = {
        "record_no": np.array([f"34{key:011d}" for key in keys.tolist()], dtype=object),
        "item_code": np.array([row["item_code"] for row in items], dtype=object)[item],
        "department": departments[department],
        "county_code": places.county_codes.astype(object)[county],
        "channel": np.array(CHANNELS, dtype=object)[channel],
        "accepted_at": accepted,
        "promised_due_at": due,
        "finished_at": finished,
        "satisfaction": np.where(rated, score, NOT_RATED),
        "applicant_phone": np.array(
            [f"1{30 + number // 10_000 % 70}****{number % 10_000:04d}" for number in phone.tolist()],
            dtype=object,
        ),
    }
    return columns, keys


def record_delivery(ledger: Ledger, first: date, last: date) -> Content:
    """What happened on these days: records accepted, and older ones finished since. As Parquet."""
    since, until = np.datetime64(first, "s"), np.datetime64(last + timedelta(days=1), "s")
    columns, keys = _records(ledger, first - LONGEST, last)
    accepted, finished = columns["accepted_at"], columns["finished_at"]
    told = (accepted >= since) | ((finished >= since) & (finished < until))
    columns = {name: values[told] for name, values in columns.items()}
    is_open = columns["finished_at"] >= until
    columns["finished_at"][is_open] = np.datetime64("NaT")
    columns["satisfaction"][is_open] = NOT_RATED
    grown, truth = plant_columns(
        ledger.seed, "gov_service_record", columns, keys[told], lambda row: str(row["record_no"]), DEFECTS
    )
    content = parquet_bytes(grown, {"satisfaction": NOT_RATED, "department": ""})
    return content, len(grown["record_no"]), truth


def record_stories(started: datetime) -> list[dict[str, str]]:
    """The department whose files pile up."""
    begin = (started - PILE_BEFORE_START).date()
    return [
        {
            "story": "files_pile_up",
            "dataset": "gov_service_record",
            "key": PILING_UP,
            "from": begin.isoformat(),
            "to": (begin + 3 * PILE_BEFORE_START).isoformat(),
            "what": "one department takes ever longer: its open records grow and most of them are overdue",
        }
    ]


def waiting_by_department(ledger: Ledger, days: range) -> dict[int, dict[tuple[str, str], int]]:
    """For the end of each of `days` (ordinals, local): open records over their promised time, by department
    and county, as far as their rows reached the city.

    Records are told of by whole days, and one whose row is spoilt waits unseen: the gate's score counts it.
    """
    columns, keys = _records(ledger, date.fromordinal(days[0]) - LONGEST, date.fromordinal(days[-1]))
    sound = is_sound(ledger.seed, "gov_service_record", keys, DEFECTS)
    found = {}
    for day in days:
        end = np.datetime64(date.fromordinal(day + 1), "s")
        late = sound & (columns["accepted_at"] < end) & (columns["finished_at"] >= end)
        late &= columns["promised_due_at"] < end
        departments, counties = columns["department"][late], columns["county_code"][late]
        found[day] = dict(Counter(zip(departments.tolist(), counties.tolist(), strict=True)))
    return found
