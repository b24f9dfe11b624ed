"""Bus lines by day: trips run and on time, passengers. Road works make one line late for three months."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, changing, one_of, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import Columns, csv_of_columns, texts
from citybrain.simulate.urban.spans import day_number, days_between, weekdays
from citybrain.simulate.urban.traffic import storm_at

LINES_AT_SCALE_1 = 80
LATE_LINE, LATE_BEFORE_START = 2, 90  # days
ON_TIME = {"341602": 0.90, "341621": 0.87, "341622": 0.89, "341623": 0.83}
HEADERS = {
    "service_day": "运营日期",
    "line_code": "线路编号",
    "line_name": "线路名称",
    "county_code": "区县代码",
    "trips_planned": "计划班次",
    "trips_run": "实际班次",
    "trips_on_time": "准点班次",
    "passengers": "客运量(人次)",
}
DEFECTS = [
    Defect(
        "more_on_time_than_run",
        0.0015,
        "trips_on_time",
        changing("trips_on_time", lambda trips: int(trips) + 500),
    ),
    Defect("run_not_a_number", 0.0012, "trips_run", one_of("trips_run", ["停运", "#REF!"])),
    Defect("passengers_negative", 0.0012, "passengers", setting("passengers", -1)),
    Defect("line_missing", 0.0008, "line_code", setting("line_code", "")),
    Defect("sent_twice", 0.0010, "line_code", None),
]


def bus_delivery(ledger: Ledger, first: date, last: date) -> Content:
    """Every line and day from `first` to `last`: GB18030, Chinese headers."""
    columns, keys = bus_columns(ledger, days_between(first, last))
    columns, truth = plant_columns(
        ledger.seed,
        "bus_trip_day",
        columns,
        keys,
        lambda row: f"{row['line_code']} {row['service_day']}",
        DEFECTS,
    )
    return csv_of_columns(HEADERS, columns, "gb18030"), len(columns["line_code"]), truth


def bus_columns(ledger: Ledger, days: NDArray[np.int64]) -> tuple[Columns, NDArray[np.int64]]:
    seed, county_codes = ledger.seed, load_villages().county_codes
    lines = np.arange(ledger.scaled(LINES_AT_SCALE_1, 8))
    line, day = (grid.ravel() for grid in np.meshgrid(lines, days, indexing="ij"))
    keys = line * 2**24 + day
    weekend = weekdays(day) >= 5
    daily = 40 + np.floor(90 * uniform(seed, "line/trips", lines)).astype(np.int64)
    planned = np.rint(daily[line] * np.where(weekend, 0.85, 1.0)).astype(np.int64)
    storm = storm_at(ledger, day * 24 + 12)
    run = np.rint(planned * np.clip(0.992 - 0.08 * storm + 0.006 * normal(seed, "line/run", keys), 0.5, 1.0))
    usual = np.array([ON_TIME[code] for code in county_codes.tolist()])[line % len(county_codes)]
    usual = usual + 0.03 * normal(seed, "line/usual", lines)[line]
    late = (line == LATE_LINE) & (day >= day_number(ledger.local_start.date()) - LATE_BEFORE_START)
    share = usual - 0.18 * storm - 0.22 * late + 0.02 * normal(seed, "line/day", keys)
    on_time = np.rint(run * np.clip(share, 0.2, 0.995))
    growth = 1 + 0.05 * (day - day_number(date(2025, 1, 1))) / 365.25
    people = run * (14 + 14 * uniform(seed, "line/people", lines)[line]) * growth
    people = people * np.where(weekend, 0.9, 1.0) * np.exp(0.06 * normal(seed, "line/crowd", keys))
    codes = [
        f"{county_codes[each % len(county_codes)]}G{each // len(county_codes) + 1:02}"
        for each in lines.tolist()
    ]
    columns: Columns = {
        "service_day": texts(day.astype("datetime64[D]").astype(str)),
        "line_code": np.array(codes, dtype=object)[line],
        "line_name": np.array([f"{each + 1}路(示范)" for each in lines.tolist()], dtype=object)[line],
        "county_code": texts(county_codes)[line % len(county_codes)],
        "trips_planned": planned.astype(object),
        "trips_run": run.astype(np.int64).astype(object),
        "trips_on_time": on_time.astype(np.int64).astype(object),
        "passengers": np.rint(people).astype(np.int64).astype(object),
    }
    return columns, keys


def late_line_story(ledger: Ledger) -> dict[str, str]:
    county_codes = load_villages().county_codes
    first = ledger.local_start.date() - timedelta(days=LATE_BEFORE_START)
    return {
        "story": "late_bus_line",
        "dataset": "bus_trip_day",
        "key": f"{county_codes[LATE_LINE % len(county_codes)]}G{LATE_LINE // len(county_codes) + 1:02}",
        "from": first.isoformat(),
        "to": ledger.local_start.date().isoformat(),
        "what": "road works cost one line more than a fifth of its punctuality",
    }
