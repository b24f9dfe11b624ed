"""Parking lots and their free berths by hour; the lots of hospitals are full by day."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, changing, one_of, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Floats, normal, uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import Columns, csv_of_columns, parquet_of_columns, texts
from citybrain.simulate.urban.ground import load_ground, points_within
from citybrain.simulate.urban.spans import hour_number, microseconds_utc, weekdays

Integers = NDArray[np.int64]

LOTS_AT_SCALE_1 = 300


@dataclass(frozen=True)
class LotKind:
    """base and day: shares of berths taken at night and, on top, at the busiest hour; `peak` is that hour."""

    name: str
    least_berths: int
    most_berths: int
    base: float
    day: float
    peak: float


KINDS = (
    LotKind("医院停车场", 150, 500, 0.35, 0.68, 10.5),
    LotKind("商业停车场", 200, 900, 0.12, 0.62, 18.0),
    LotKind("路外公共停车场", 80, 400, 0.30, 0.45, 15.0),
    LotKind("路内泊位", 30, 120, 0.45, 0.45, 16.0),
    LotKind("学校周边停车场", 60, 240, 0.15, 0.50, 8.0),
)


@dataclass(frozen=True)
class Lots:
    codes: NDArray[np.object_]
    kinds: Integers
    villages: Integers
    berths: Integers

    def __len__(self) -> int:
        return len(self.codes)


def lots_of(ledger: Ledger) -> Lots:
    villages = load_villages()
    numbers = np.arange(ledger.scaled(LOTS_AT_SCALE_1, 20))
    county = numbers % len(villages.county_codes)
    places = np.empty(len(numbers), dtype=np.int64)
    for each in range(len(villages.county_codes)):
        own = np.flatnonzero(villages.counties == each)
        bounds = np.cumsum(villages.weights[""][own])
        luck = uniform(ledger.seed, "lot/place", numbers[county == each])
        places[county == each] = own[np.searchsorted(bounds / bounds[-1], luck)]
    kinds = numbers // len(villages.county_codes) % len(KINDS)
    least = np.array([kind.least_berths for kind in KINDS])[kinds]
    most = np.array([kind.most_berths for kind in KINDS])[kinds]
    berths = least + np.floor((most - least) * uniform(ledger.seed, "lot/berths", numbers)).astype(np.int64)
    codes = [
        f"{villages.county_codes[place]}P{number // len(villages.county_codes) + 1:03}"
        for number, place in zip(numbers.tolist(), county.tolist(), strict=True)
    ]
    return Lots(np.array(codes, dtype=object), kinds, places, berths)


LOT_HEADERS = {
    "lot_code": "停车场编号",
    "lot_name": "停车场名称",
    "lot_kind": "停车场类型",
    "county_code": "区县代码",
    "village_code": "所在村社区代码",
    "longitude": "经度",
    "latitude": "纬度",
    "berths": "泊位总数",
    "charging_berths": "充电泊位数",
}
LOT_DEFECTS = [
    Defect("berths_not_a_number", 0.004, "berths", one_of("berths", ["约200", "若干"])),
    Defect("lot_kind_unknown", 0.004, "lot_kind", setting("lot_kind", "其它")),
    Defect("village_unknown", 0.004, "village_code", setting("village_code", "341602999999")),
]


def lot_delivery(ledger: Ledger) -> Content:
    """The register of lots."""
    lots, villages, numbers = lots_of(ledger), load_villages(), np.arange(len(lots_of(ledger)))
    lons, lats = points_within(ledger.seed, "lot", load_ground().cells[lots.villages], numbers)
    kinds = np.array([kind.name for kind in KINDS], dtype=object)[lots.kinds]
    charging = np.floor(lots.berths * 0.25 * uniform(ledger.seed, "lot/charging", numbers)).astype(np.int64)
    columns: Columns = {
        "lot_code": lots.codes,
        "lot_name": np.array(
            [
                f"{township}{kind}{number + 1}号(示范)"
                for township, kind, number in zip(
                    villages.township_names[lots.villages].tolist(),
                    kinds.tolist(),
                    numbers.tolist(),
                    strict=True,
                )
            ],
            dtype=object,
        ),
        "lot_kind": kinds,
        "county_code": texts(villages.county_codes[villages.counties[lots.villages]]),
        "village_code": texts(villages.codes[lots.villages]),
        "longitude": lons.astype(object),
        "latitude": lats.astype(object),
        "berths": lots.berths.astype(object),
        "charging_berths": charging.astype(object),
    }
    columns, truth = plant_columns(
        ledger.seed, "parking_lot", columns, numbers, lambda row: str(row["lot_code"]), LOT_DEFECTS
    )
    return csv_of_columns(LOT_HEADERS, columns), len(columns["lot_code"]), truth


HOUR_SCHEMA = pa.schema(
    [
        ("lot_code", pa.string()),
        ("hour_start", pa.timestamp("us", tz="UTC")),
        ("berths", pa.int64()),
        ("free_berths", pa.int64()),
        ("entries", pa.int64()),
    ]
)
HOUR_DEFECTS = [
    Defect("free_negative", 0.0010, "free_berths", setting("free_berths", -3)),
    Defect("more_free_than_berths", 0.0010, "free_berths", setting("free_berths", 99_999)),
    Defect("lot_missing", 0.0005, "lot_code", setting("lot_code", None)),
    Defect(
        "time_in_future",
        0.0005,
        "hour_start",
        changing("hour_start", lambda time: int(time) + 365 * 86_400_000_000),
    ),
    Defect("sent_twice", 0.0008, "lot_code", None),
]


def parking_hour_delivery(ledger: Ledger, first: datetime, last: datetime) -> Content:
    """Free berths at the end of every hour from `first` to `last`, the local hours' beginnings."""
    columns, keys = parking_columns(ledger, np.arange(hour_number(first), hour_number(last) + 1))
    columns, truth = plant_columns(
        ledger.seed,
        "parking_lot_hour",
        columns,
        keys,
        lambda row: f"{row['lot_code']} {int(row['hour_start'])}",
        HOUR_DEFECTS,
    )
    return parquet_of_columns(HOUR_SCHEMA, columns), len(columns["lot_code"]), truth


def parking_columns(ledger: Ledger, hours: Integers) -> tuple[Columns, Integers]:
    lots, seed = lots_of(ledger), ledger.seed
    lot, hour = (grid.ravel() for grid in np.meshgrid(np.arange(len(lots)), hours, indexing="ij"))
    keys = lot * 2**32 + hour
    taken = _taken(seed, lots.kinds[lot], lot, hour) + 0.04 * normal(seed, "lot/noise", keys)
    berths = lots.berths[lot]
    free = np.rint(berths * (1 - np.clip(taken, 0.02, 1.0))).astype(np.int64)
    turnover = 0.15 + 0.25 * uniform(seed, "lot/entries", keys)
    columns: Columns = {
        "lot_code": lots.codes[lot],
        "hour_start": microseconds_utc(hour * 60),
        "berths": berths.copy(),
        "free_berths": free,
        "entries": np.rint((berths - free) * turnover).astype(np.int64),
    }
    return columns, keys


def _taken(seed: int, kinds: Integers, lots: Integers, hours: Integers) -> Floats:
    def of_kind(values: list[float]) -> Floats:
        return np.array(values)[kinds]

    peak = of_kind([kind.peak for kind in KINDS])
    weekend = weekdays(hours // 24) >= 5
    busy = np.exp(-(((hours % 24 - peak) / 4.0) ** 2)) * np.where(weekend & (kinds != 1), 0.6, 1.0)
    own = 0.85 + 0.3 * uniform(seed, "lot/demand", lots)
    taken: Floats = (
        of_kind([kind.base for kind in KINDS]) + of_kind([kind.day for kind in KINDS]) * busy
    ) * own
    return taken
