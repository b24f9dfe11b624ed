"""What the traffic police count: congestion of road sections by hour, and accidents.

Congestion is travel time over free-flow travel time. The storm that raises the rivers slows the roads too,
and brings accidents.
"""

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, changing, one_of, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Floats, normal, smooth, uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import Columns, csv_of_columns, parquet_of_columns, texts
from citybrain.simulate.urban.ground import load_ground, points_within
from citybrain.simulate.urban.spans import days_between, hour_number, microseconds_utc, weekdays
from citybrain.simulate.water import STEP, STORM_BEFORE_START, STORY_STEPS

Integers = NDArray[np.int64]

SECTIONS_AT_SCALE_1 = 400
STORM_HOURS = 30
ROADS = ("人民路", "建设路", "和平路", "光明路", "文化路", "团结路", "新华路", "解放路", "工农路", "迎宾路")
COUNTY_TRAFFIC = {"341602": 1.25, "341621": 1.0, "341622": 0.95, "341623": 0.8}
_STORY_HOURS = STORY_STEPS * STEP // timedelta(hours=1)


def storm_at(ledger: Ledger, hours: Integers) -> Floats:
    """0 to 1: how hard the storm is at each local hour; the rivers of `simulate.water` follow it."""
    start = hour_number(ledger.local_start)
    before = STORM_BEFORE_START * STEP // timedelta(hours=1)
    share = (hours - start + before) % _STORY_HOURS / STORM_HOURS
    return np.where(share < 1, np.sin(np.pi * np.clip(share, 0, 1)), 0.0)


SECTION_SCHEMA = pa.schema(
    [
        ("section_code", pa.string()),
        ("section_name", pa.string()),
        ("county_code", pa.string()),
        ("length_km", pa.float64()),
        ("hour_start", pa.timestamp("us", tz="UTC")),
        ("congestion_index", pa.float64()),
        ("mean_speed_kmh", pa.float64()),
    ]
)
SECTION_DEFECTS = [
    Defect("index_below_one", 0.0010, "congestion_index", setting("congestion_index", 0.2)),
    Defect("speed_impossible", 0.0008, "mean_speed_kmh", setting("mean_speed_kmh", 999.0)),
    Defect("section_missing", 0.0005, "section_code", setting("section_code", None)),
    Defect(
        "time_in_future",
        0.0005,
        "hour_start",
        changing("hour_start", lambda time: int(time) + 365 * 86_400_000_000),
    ),
    Defect("sent_twice", 0.0008, "section_code", None),
]


def section_delivery(ledger: Ledger, first: datetime, last: datetime) -> Content:
    """Every section and hour from `first` to `last`, the local hours' beginnings."""
    columns, keys = section_columns(ledger, np.arange(hour_number(first), hour_number(last) + 1))
    columns, truth = plant_columns(
        ledger.seed,
        "road_section_index",
        columns,
        keys,
        lambda row: f"{row['section_code']} {int(row['hour_start'])}",
        SECTION_DEFECTS,
    )
    return parquet_of_columns(SECTION_SCHEMA, columns), len(columns["section_code"]), truth


def section_columns(ledger: Ledger, hours: Integers) -> tuple[Columns, Integers]:
    seed = ledger.seed
    numbers = np.arange(ledger.scaled(SECTIONS_AT_SCALE_1, 16))
    county_codes = load_villages().county_codes
    county = numbers % len(county_codes)
    length = np.round(0.6 + 2.6 * uniform(seed, "section/length", numbers), 2)
    free = 38 + 22 * uniform(seed, "section/free", numbers)
    burden = 0.25 + 0.75 * uniform(seed, "section/burden", numbers) ** 1.5
    burden = burden * np.array([COUNTY_TRAFFIC[code] for code in county_codes.tolist()])[county]
    section, hour = (grid.ravel() for grid in np.meshgrid(numbers, hours, indexing="ij"))
    keys = section * 2**32 + hour
    index = 1 + burden[section] * _rush(hour) + 1.1 * burden[section] * storm_at(ledger, hour)
    slow = 0.06 * smooth(seed, "section/slow", hour + section * 1000, 24)
    index = np.maximum(1.0, np.round(index + slow + 0.05 * normal(seed, "section/noise", keys), 2))
    names = np.array(
        [
            f"{ROADS[within % len(ROADS)]}{1 + within // len(ROADS)}段"
            for within in (numbers // len(county_codes)).tolist()
        ],
        dtype=object,
    )
    codes = np.array(
        [
            f"{county_codes[number % len(county_codes)]}R{number // len(county_codes) + 1:03}"
            for number in numbers.tolist()
        ],
        dtype=object,
    )
    columns: Columns = {
        "section_code": codes[section],
        "section_name": names[section],
        "county_code": texts(county_codes)[county][section],
        "length_km": length[section],
        "hour_start": microseconds_utc(hour * 60),
        "congestion_index": index,
        "mean_speed_kmh": np.round(free[section] / index, 1),
    }
    return columns, keys


def _rush(hours: Integers) -> Floats:
    """How full the roads are, 0 to about 1: two peaks on workdays, one broad one at weekends."""
    of_day, work = hours % 24, weekdays(hours // 24) < 5
    peaks = np.exp(-(((of_day - 8) / 1.3) ** 2)) + 0.9 * np.exp(-(((of_day - 18) / 1.6) ** 2))
    broad = 0.55 * np.exp(-(((of_day - 15.5) / 4.5) ** 2))
    day = 0.25 * ((of_day >= 7) & (of_day < 22))
    fullness: Floats = np.where(work, peaks, broad) + day
    return fullness


ACCIDENTS_A_DAY_AT_SCALE_1 = 40.0
ACCIDENT_KINDS = ("追尾", "侧面碰撞", "正面碰撞", "刮擦", "碰撞行人", "碰撞固定物", "翻车")
ROAD_KINDS = ("城市道路", "国省道", "县乡道", "高速公路")
ACCIDENT_HEADERS = {
    "accident_code": "事故编号",
    "occurred_at": "发生时间",
    "county_code": "区县代码",
    "village_code": "所在村社区代码",
    "longitude": "经度",
    "latitude": "纬度",
    "accident_kind": "事故形态",
    "road_kind": "道路类型",
    "injured": "受伤人数",
    "dead": "死亡人数",
    "loss_yuan": "直接财产损失(元)",
}
ACCIDENT_DEFECTS = [
    Defect("kind_unknown", 0.004, "accident_kind", setting("accident_kind", "未填")),
    Defect("injured_negative", 0.004, "injured", setting("injured", -1)),
    Defect("time_not_a_time", 0.004, "occurred_at", one_of("occurred_at", ["不详", "2025-02-30 10:00"])),
    Defect("village_unknown", 0.003, "village_code", setting("village_code", "341602999999")),
    Defect("loss_not_a_number", 0.003, "loss_yuan", one_of("loss_yuan", ["约3000元", "待定损"])),
    Defect("sent_twice", 0.004, "accident_code", None),
]


def accident_delivery(ledger: Ledger, first: date, last: date) -> Content:
    """The accidents of the days from `first` to `last`."""
    columns, keys = accident_columns(ledger, days_between(first, last))
    columns, truth = plant_columns(
        ledger.seed,
        "traffic_accident",
        columns,
        keys,
        lambda row: str(row["accident_code"]),
        ACCIDENT_DEFECTS,
    )
    return csv_of_columns(ACCIDENT_HEADERS, columns), len(columns["accident_code"]), truth


def accident_columns(ledger: Ledger, days: Integers) -> tuple[Columns, Integers]:
    seed, villages, ground = ledger.seed, load_villages(), load_ground()
    storm = storm_at(ledger, days * 24 + 12)
    mean = max(1.2, ACCIDENTS_A_DAY_AT_SCALE_1 * ledger.scale)
    winter = np.cos(2 * np.pi * (days % 365.25 - 15) / 365.25)
    mean = mean * (1 + 0.18 * winter) * (1 + 1.2 * storm) * np.where(weekdays(days) < 5, 1.05, 0.88)
    counts = np.floor(mean + uniform(seed, "accident/count", days)).astype(np.int64)
    counts += np.floor(0.3 * mean * normal(seed, "accident/more", days)).astype(np.int64)
    counts = np.maximum(1, counts)
    day = np.repeat(days, counts)
    within = np.arange(len(day)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = day * 4096 + within
    where = np.searchsorted(np.cumsum(villages.weights[""]), uniform(seed, "accident/place", keys)).clip(
        0, len(villages.codes) - 1
    )
    lons, lats = points_within(seed, "accident", ground.cells[where], keys)
    hour = _drawn(uniform(seed, "accident/hour", keys), 0.3 + _rush(np.arange(24) + 24 * 4))
    minute = np.floor(60 * uniform(seed, "accident/minute", keys)).astype(np.int64)
    times = (day * 1440 + hour * 60 + minute).astype("datetime64[m]").astype(str)
    kind = _drawn(uniform(seed, "accident/kind", keys), np.array([26, 24, 8, 22, 9, 7, 4]))
    grave = uniform(seed, "accident/grave", keys)
    harm = np.isin(kind, [2, 4, 6])
    injured = np.where(grave < np.where(harm, 0.75, 0.24), 1 + np.floor(3 * grave**2), 0).astype(np.int64)
    dead = (uniform(seed, "accident/dead", keys) < np.where(harm, 0.05, 0.006)).astype(np.int64)
    loss = np.round(np.exp(7.6 + 0.9 * normal(seed, "accident/loss", keys)), -2)
    road = _drawn(uniform(seed, "accident/road", keys), np.array([46, 24, 26, 4]))
    counties = villages.county_codes[villages.counties[where]]
    codes = [
        f"{county}{at[:4]}{at[5:7]}{at[8:10]}{number + 1:03}"
        for county, at, number in zip(counties.tolist(), times.tolist(), within.tolist(), strict=True)
    ]
    columns: Columns = {
        "accident_code": np.array(codes, dtype=object),
        "occurred_at": np.array([at.replace("T", " ") for at in times.tolist()], dtype=object),
        "county_code": texts(counties),
        "village_code": texts(villages.codes[where]),
        "longitude": lons.astype(object),
        "latitude": lats.astype(object),
        "accident_kind": np.array(ACCIDENT_KINDS, dtype=object)[kind],
        "road_kind": np.array(ROAD_KINDS, dtype=object)[road],
        "injured": injured.astype(object),
        "dead": dead.astype(object),
        "loss_yuan": loss.astype(object),
    }
    return columns, keys


def _drawn(luck: Floats, weights: NDArray[np.float64] | NDArray[np.int64]) -> Integers:
    """An index for each number in (0, 1), drawn by weight."""
    bounds = np.cumsum(weights)
    return np.searchsorted(bounds / bounds[-1], luck)
