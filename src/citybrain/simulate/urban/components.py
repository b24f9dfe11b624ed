"""Municipal components of GB/T 30428.2 and what became of each: intact, damaged or lost.

A component's history is a pure function of its number and the month: the register of any day and the monthly
inspection figures tell the same story. Thieves take covers in one township shortly before the city begins.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, changing, one_of, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import month_number
from citybrain.simulate.noise import uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import Columns, csv_of_columns, texts
from citybrain.simulate.urban.grids import Grids, grids_of
from citybrain.simulate.urban.ground import points_within

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

COMPONENTS_AT_SCALE_1 = 60_000
LONGEST_REPAIR = 4  # months
STEADY_COUNTIES = {"341602": 0.8, "341621": 1.0, "341622": 0.9, "341623": 1.6}  # damage against the usual
OFFLINE_SHARE = {"341602": 0.04, "341621": 0.07, "341622": 0.06, "341623": 0.17}
THEFT_TOWNSHIP, THEFT_SHARE, THEFT_BEFORE_START = "341621001", 0.5, timedelta(days=9)
COVERS = ("01", "02", "03", "04", "05", "06", "07")
INTACT, DAMAGED, LOST = 0, 1, 2
STATES = np.array(["完好", "破损", "丢失"], dtype=object)
HEADERS = {
    "component_code": "部件标识码",
    "big_class": "大类代码",
    "small_class": "小类代码",
    "class_name": "部件名称",
    "state": "部件状态",
    "state_since": "状态起始日期",
    "grid_code": "所在单元网格",
    "longitude": "经度",
    "latitude": "纬度",
    "owner_unit": "权属单位",
    "installed_on": "初始日期",
    "sensor_state": "传感器状态",
}


@dataclass(frozen=True)
class ComponentClass:
    """A small class: its share of all components, and how often one is damaged or lost."""

    big: str
    small: str
    name: str
    share: float
    owner: str
    sensor_share: float
    damage_a_month: float
    lost_share: float
    install_from: int


@cache
def load_component_classes() -> tuple[ComponentClass, ...]:
    with Path(__file__).with_name("component_classes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            ComponentClass(
                row["big_class"],
                row["small_class"],
                row["name"],
                float(row["share"]),
                row["owner"],
                float(row["sensor_share"]),
                float(row["damage_a_month"]),
                float(row["lost_share"]),
                int(row["install_from"]),
            )
            for row in csv.DictReader(file)
        )


@dataclass(frozen=True)
class Components:
    """One entry for each component; `kinds` are indices into the classes, `grids` into the unit grids."""

    numbers: Integers
    kinds: Integers
    grids: Integers
    counties: NDArray[np.str_]
    stolen: Flags

    def __len__(self) -> int:
        return len(self.numbers)


def components_of(ledger: Ledger, grids: Grids) -> Components:
    numbers = np.arange(ledger.scaled(COMPONENTS_AT_SCALE_1, 400))
    classes = load_component_classes()
    shares = np.cumsum([each.share for each in classes])
    kinds = np.searchsorted(shares / shares[-1], uniform(ledger.seed, "component/kind", numbers))
    weights = load_villages().weights[""][grids.villages] / np.bincount(grids.villages)[grids.villages]
    bounds = np.cumsum(weights)
    places = np.searchsorted(bounds / bounds[-1], uniform(ledger.seed, "component/grid", numbers))
    taken = np.strings.startswith(grids.codes[places], THEFT_TOWNSHIP) & np.array(
        [classes[kind].big == "01" and classes[kind].small in COVERS for kind in kinds]
    )
    stolen = taken & (uniform(ledger.seed, "component/theft", numbers) < THEFT_SHARE)
    return Components(numbers, kinds, places, grids.county_codes()[places], stolen)


@dataclass(frozen=True)
class Standing:
    """What became of each component by a day: its state, since when, and the day the state was found."""

    states: Integers
    since: NDArray[np.datetime64]


def standing_on(ledger: Ledger, parts: Components, day: date) -> Standing:
    """The state at the end of `day`: what happened in it or the months before and is not repaired."""
    states = np.zeros(len(parts), dtype=np.int64)
    since = np.full(len(parts), np.datetime64("1970-01-01"))
    for month in range(month_number(day) - LONGEST_REPAIR, month_number(day) + 1):
        happened, lost, begins, ends = _events(ledger.seed, parts, month)
        over = happened & (ends <= np.datetime64(day))
        states[over] = INTACT
        since[over] = ends[over]
        lasting = happened & (begins <= np.datetime64(day)) & ~over
        states[lasting] = np.where(lost[lasting], LOST, DAMAGED)
        since[lasting] = begins[lasting]
    theft = np.datetime64(ledger.local_start.date() - THEFT_BEFORE_START)
    gone = parts.stolen & (theft <= np.datetime64(day))
    states[gone], since[gone] = LOST, theft
    return Standing(states, since)


def _events(
    seed: int, parts: Components, month: int
) -> tuple[Flags, Flags, NDArray[np.datetime64], NDArray[np.datetime64]]:
    """What happens to each component in a month: whether, whether it is lost, the day, and the repair's."""
    classes, keys = load_component_classes(), parts.numbers * 65536 + month
    chance = np.array([each.damage_a_month for each in classes])[parts.kinds]
    chance = chance * np.array([STEADY_COUNTIES[county] for county in parts.counties.tolist()])
    happened = uniform(seed, "component/event", keys) < chance
    lost = (
        uniform(seed, "component/lost", keys) < np.array([each.lost_share for each in classes])[parts.kinds]
    )
    first = np.datetime64(f"{month // 12}-{month % 12 + 1:02}-01")
    begins = first + np.floor(28 * uniform(seed, "component/day", keys)).astype("timedelta64[D]")
    days = 2 + np.floor(95 * uniform(seed, "component/repair", keys) ** 3).astype("timedelta64[D]")
    return happened, lost, begins, begins + days


DEFECTS = [
    Defect("grid_code_short", 0.0014, "grid_code", changing("grid_code", lambda code: code[:12])),
    Defect("state_unknown", 0.0012, "state", one_of("state", ["待查", "正常?", "0"])),
    Defect("class_missing", 0.0008, "small_class", setting("small_class", "")),
    Defect("position_not_a_number", 0.0010, "longitude", one_of("longitude", ["东经115度", "#N/A"])),
    Defect("position_outside", 0.0010, "latitude", one_of("latitude", [0.0, 39.9])),
    Defect("installed_in_future", 0.0008, "installed_on", setting("installed_on", "2099-01-01")),
    Defect("sent_twice", 0.0010, "component_code", None),
]


def component_delivery(ledger: Ledger, day: date) -> Content:
    """The register of components as it stood on `day`: GB18030, Chinese headers."""
    grids = grids_of(ledger)
    parts = components_of(ledger, grids)
    columns, truth = plant_columns(
        ledger.seed,
        "municipal_component",
        _columns(ledger, grids, parts, day),
        parts.numbers,
        lambda row: str(row["component_code"]),
        DEFECTS,
    )
    return csv_of_columns(HEADERS, columns, "gb18030"), len(columns["component_code"]), truth


def _columns(ledger: Ledger, grids: Grids, parts: Components, day: date) -> Columns:
    classes, seed = load_component_classes(), ledger.seed
    standing = standing_on(ledger, parts, day)
    longitudes, latitudes = points_within(seed, "component", grids.cells[parts.grids], parts.numbers)
    years = np.array([each.install_from for each in classes])[parts.kinds]
    last_year = ledger.local_start.year - 2  # what stands has stood for a while
    years = years + np.floor((last_year - years) * uniform(seed, "component/year", parts.numbers))
    months = 1 + np.floor(12 * uniform(seed, "component/month", parts.numbers))
    installed = [
        f"{year}-{month:02}-15" for year, month in zip(years.astype(int), months.astype(int), strict=True)
    ]
    since = np.where(standing.since > np.datetime64("1970-01-01"), standing.since.astype(str), installed)
    counties = grids.county_codes()[parts.grids].tolist()
    codes = [
        f"{county}{classes[kind].big}{classes[kind].small}{number + 1:06}"
        for county, kind, number in zip(counties, parts.kinds, parts.numbers, strict=True)
    ]
    return {
        "component_code": np.array(codes, dtype=object),
        "big_class": _of_class([each.big for each in classes], parts),
        "small_class": _of_class([each.small for each in classes], parts),
        "class_name": _of_class([each.name for each in classes], parts),
        "state": STATES[standing.states],
        "state_since": texts(since),
        "grid_code": texts(grids.codes[parts.grids]),
        "longitude": longitudes.astype(object),
        "latitude": latitudes.astype(object),
        "owner_unit": _of_class([f"{each.owner}(示范)" for each in classes], parts),
        "installed_on": np.array(installed, dtype=object),
        "sensor_state": _sensors(seed, parts, standing, day),
    }


def _of_class(values: list[str], parts: Components) -> NDArray[np.object_]:
    return np.array(values, dtype=object)[parts.kinds]


def _sensors(seed: int, parts: Components, standing: Standing, day: date) -> NDArray[np.object_]:
    """在线, 离线, or nothing where no sensor is built in; what is lost sends nothing."""
    fitted_share = np.array([each.sensor_share for each in load_component_classes()])[parts.kinds]
    fitted = uniform(seed, "component/sensor", parts.numbers) < fitted_share
    offline_share = np.array([OFFLINE_SHARE[county] for county in parts.counties.tolist()])
    month = parts.numbers * 65536 + month_number(day)
    offline = (uniform(seed, "component/offline", month) < offline_share) | (standing.states == LOST)
    return np.where(fitted, np.where(offline, "离线", "在线"), "").astype(object)


INSPECTION_HEADERS = {
    "month": "月份",
    "county_code": "区县代码",
    "big_class": "大类代码",
    "small_class": "小类代码",
    "inspected": "普查数",
    "damaged": "月末破损数",
    "lost": "月末丢失数",
    "found": "本月新增损坏数",
    "repaired": "本月修复数",
}
INSPECTION_DEFECTS = [
    Defect("inspected_negative", 0.0020, "inspected", changing("inspected", lambda count: -int(count) - 1)),
    Defect("damaged_not_a_number", 0.0020, "damaged", one_of("damaged", ["若干", "约10"])),
    Defect("county_unknown", 0.0020, "county_code", one_of("county_code", ["341699", "谯城区"])),
    Defect("sent_twice", 0.0020, "month", None),
]


def inspection_delivery(ledger: Ledger, first_month: int, last_month: int) -> Content:
    """Figures by month, county and class of the months given by number, both among them."""
    parts = components_of(ledger, grids_of(ledger))
    months = [
        _inspected(ledger, parts, month, np.unique(parts.counties))
        for month in range(first_month, last_month + 1)
    ]
    columns: Columns = {name: np.concatenate([month[name] for month in months]) for name in months[0]}
    keys = columns.pop("key")
    columns, truth = plant_columns(
        ledger.seed,
        "component_inspection_month",
        columns,
        keys,
        lambda row: f"{row['month']} {row['county_code']} {row['big_class']}{row['small_class']}",
        INSPECTION_DEFECTS,
    )
    return csv_of_columns(INSPECTION_HEADERS, columns), len(columns["month"]), truth


def _inspected(ledger: Ledger, parts: Components, month: int, counties: NDArray[np.str_]) -> Columns:
    classes = load_component_classes()
    end = date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)
    cell = np.searchsorted(counties, parts.counties) * len(classes) + parts.kinds
    size = len(counties) * len(classes)
    standing = standing_on(ledger, parts, end)
    first = np.datetime64(end.replace(day=1))
    in_month = standing.since >= first

    def counted(which: Flags) -> Integers:
        return np.bincount(cell[which], minlength=size).astype(np.int64)

    county, kind = np.divmod(np.arange(size), len(classes))
    present = counted(np.ones(len(parts), dtype=bool)) > 0
    figures = {
        "inspected": counted(np.ones(len(parts), dtype=bool)),
        "damaged": counted(standing.states == DAMAGED),
        "lost": counted(standing.states == LOST),
        "found": counted(in_month & (standing.states != INTACT)),
        "repaired": counted(in_month & (standing.states == INTACT)),
    }
    return {
        "month": np.full(present.sum(), f"{end:%Y-%m}-01", dtype=object),
        "county_code": texts(counties[county[present]]),
        "big_class": np.array([each.big for each in classes], dtype=object)[kind[present]],
        "small_class": np.array([each.small for each in classes], dtype=object)[kind[present]],
        **{name: values[present].astype(object) for name, values in figures.items()},
        "key": month * 65536 + np.flatnonzero(present),
    }


def theft_story(ledger: Ledger) -> dict[str, str]:
    day = ledger.local_start.date() - THEFT_BEFORE_START
    return {
        "story": "covers_stolen",
        "dataset": "municipal_component",
        "key": THEFT_TOWNSHIP,
        "from": day.isoformat(),
        "to": day.isoformat(),
        "what": "about half of the manhole covers of one township are lost on one day and not replaced",
    }
