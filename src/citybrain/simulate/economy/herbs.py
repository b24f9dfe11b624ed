"""The herb market: daily prices of thirty herbs in two grades, and where they are planted.

Levels are of the order of the Bozhou market's; every price is made up.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, Place, dropped
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, plant_columns, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal, smooth, uniform
from citybrain.simulate.parquet_file import parquet_of
from citybrain.simulate.places import DATA, division_rows

Floats = NDArray[np.float64]

HISTORY_DAYS = 730
GRADES = ("统货", "选货")
JUMPING = 0  # the herb of the story
JUMP_BEFORE_START, JUMP_RISE_DAYS, JUMP = 21, 12, 0.38  # log of the price
PLANTING_YEARS = 4
PLANTING_PUBLISHED = (3, 1)
PRICE_DEFECTS = [
    Defect("price_zero", 0.0008, "price_yuan_kg", setting("price_yuan_kg", 0.0)),
    Defect(
        "price_in_tonnes",
        0.0006,
        "price_yuan_kg",
        changing("price_yuan_kg", lambda price: float(price) * 1000),
    ),
    Defect("herb_unknown", 0.0006, "herb_code", setting("herb_code", "H999")),
    Defect("grade_unknown", 0.0006, "grade", setting("grade", "级外")),
    Defect("sent_twice", 0.0008, "herb_code", None),
]
PLANTING_HEADERS = {
    "township_code": "乡镇代码",
    "township_name": "乡镇",
    "herb_code": "药材编码",
    "herb_name": "药材",
    "year": "年份",
    "planted_mu": "种植面积(亩)",
    "output_tonnes": "产量(吨)",
}
PLANTING_DEFECTS = [
    Defect("area_not_a_number", 0.002, "planted_mu", one_of("planted_mu", ["约500", "未报"])),
    Defect("township_unknown", 0.0015, "township_code", setting("township_code", "341699999")),
    Defect("area_negative", 0.0015, "planted_mu", changing("planted_mu", lambda mu: f"-{mu}")),
    Defect("sent_twice", 0.002, "township_code", None),
]
# How much of a county's farmland grows herbs, as a factor on the base of a township
PLANTING_PULL = {"341602": 5.0, "341621": 1.5, "341622": 1.0, "341623": 0.8}
BASE_MU = 360.0


@dataclass(frozen=True)
class Herb:
    """`price`: yuan per kilogram of the common grade; `select_factor`: how much dearer the other one is."""

    code: str
    name: str
    local: bool
    price: float
    volatility: float
    weight: float
    select_factor: float


@cache
def load_herbs() -> tuple[Herb, ...]:
    with (DATA / "herbs.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Herb(
                code=row["code"],
                name=row["name"],
                local=row["local"] == "1",
                price=float(row["price"]),
                volatility=float(row["volatility"]),
                weight=float(row["weight"]),
                select_factor=float(row["select_factor"]),
            )
            for row in csv.DictReader(file)
        )


def _day_number(day: date) -> int:
    return int(np.datetime64(day).astype(np.int64))


def herb_prices(seed: int, place: int, days: NDArray[np.int64], start: int) -> Floats:
    """Prices of the common grade on days since 1970; `start`: the day the city began."""
    herb = load_herbs()[place]
    slow = 0.13 * smooth(seed, f"herb/{herb.code}/slow", days, 240)
    market = 0.04 * smooth(seed, "herb/market", days, 120)
    quick = 0.03 * smooth(seed, f"herb/{herb.code}/quick", days, 25)
    noise = 0.006 * normal(seed, "herb/day", days * 64 + place)
    prices = herb.price * np.exp(herb.volatility * (slow + quick) + market + noise)
    if place == JUMPING:
        since = days - (start - JUMP_BEFORE_START)
        prices = prices * np.exp(JUMP * np.clip(since / JUMP_RISE_DAYS, 0, 1))
    return prices


def price_delivery(seed: int, since: date, until: date, started: date) -> Content:
    """The prices after `since` up to `until`, their rows and the truth about them."""
    days = np.arange(_day_number(since) + 1, _day_number(until) + 1)
    codes, names, grades, prices, volumes, keys = [], [], [], [], [], []
    for place, herb in enumerate(load_herbs()):
        common = herb_prices(seed, place, days, _day_number(started))
        for grade, factor in zip(GRADES, (1.0, herb.select_factor), strict=True):
            key = (days * 64 + place) * 2 + GRADES.index(grade)
            traded = 120 * herb.weight / herb.price * 1000 * (0.7 if factor == 1.0 else 0.3)
            codes.append(np.full(len(days), herb.code, dtype=object))
            names.append(np.full(len(days), herb.name, dtype=object))
            grades.append(np.full(len(days), grade, dtype=object))
            prices.append(np.round(common * factor, 2))
            volumes.append(np.round(traded * np.exp(0.25 * normal(seed, "herb/volume", key)), 1))
            keys.append(key)
    columns: dict[str, NDArray[Any]] = {
        "herb_code": np.concatenate(codes),
        "herb_name": np.concatenate(names),
        "grade": np.concatenate(grades),
        "price_date": np.tile(days.astype("datetime64[D]"), len(codes)),
        "price_yuan_kg": np.concatenate(prices),
        "traded_tonnes": np.concatenate(volumes),
    }
    columns, truth = plant_columns(
        seed,
        "herb_market_price_day",
        columns,
        np.concatenate(keys),
        lambda row: f"{row['herb_code']} {row['grade']} {row['price_date']}",
        PRICE_DEFECTS,
    )
    return parquet_of(pa.table(columns)), len(columns["herb_code"]), truth


def price_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The days that are over since the last object; 24 months at first."""
    until = local.date() - timedelta(days=1)
    since = until - timedelta(days=HISTORY_DAYS)
    started = ledger.started.astimezone(SHANGHAI).date()
    if ledger.reached is not None:
        since = max(since, ledger.reached.astimezone(SHANGHAI).date() - timedelta(days=1))
    if since < until:
        name = f"herb_market_price_{since:%Y%m%d}_{until:%Y%m%d}.parquet"
        make = partial(price_delivery, ledger.seed, since, until, started)
        path = f"herb_market_price_day/{name}"
        yield Delivery("herb_market_price_day", name, Place.INBOX, path, local, 1, make)


def planting_rows(seed: int, years: range) -> tuple[list[Row], list[int]]:
    """Area and crop of each township's herbs; sub-districts of the towns grow none."""
    herbs = [(place, herb) for place, herb in enumerate(load_herbs()) if herb.local]
    rows: list[Row] = []
    keys: list[int] = []
    for number, township in enumerate(division_rows("division_township")):
        if township["code"][6] not in "12":
            continue
        pull = PLANTING_PULL[township["areaCode"]]
        spots = number * 64 + np.array([place for place, _ in herbs])
        grown = uniform(seed, "planting/grown", spots) < 0.3 + 0.05 * pull
        size = np.exp(0.7 * normal(seed, "planting/size", spots))
        for year in years:
            wobble = 0.06 * normal(seed, "planting/year", spots * 4096 + year)
            crop = 0.05 * normal(seed, "planting/crop", spots * 4096 + year)
            for within in np.flatnonzero(grown):
                place, herb = herbs[int(within)]
                mu = (
                    BASE_MU
                    * pull
                    * float(size[within])
                    * (1.03 ** (year - 2023))
                    * float(np.exp(wobble[within]))
                )
                rows.append(
                    {
                        "township_code": township["code"],
                        "township_name": township["name"],
                        "herb_code": herb.code,
                        "herb_name": herb.name,
                        "year": year,
                        "planted_mu": f"{mu:.1f}",
                        "output_tonnes": f"{mu * 0.32 * float(np.exp(crop[within])):.1f}",
                    }
                )
                keys.append((number * 64 + place) * 4096 + year)
    return rows, keys


def planting_delivery(seed: int, years: range) -> Content:
    """The years, their rows and the truth about them."""
    rows, keys = planting_rows(seed, years)
    truth = plant(
        seed,
        "herb_planting_year",
        rows,
        np.array(keys),
        lambda row: f"{row['township_code']} {row['herb_code']} {row['year']}",
        PLANTING_DEFECTS,
    )
    return csv_bytes(PLANTING_HEADERS, rows), len(rows), truth


def newest_planting_year(day: date) -> int:
    return day.year - (1 if (day.month, day.day) >= PLANTING_PUBLISHED else 2)


def planting_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Four years when the city begins, then each spring the year before."""
    first = newest_planting_year(ledger.started.astimezone(SHANGHAI).date())
    spans = [range(first - PLANTING_YEARS + 1, first + 1)]
    spans += [range(year, year + 1) for year in range(first + 1, newest_planting_year(local.date()) + 1)]
    for years in spans:
        name = f"herb_planting_{years[0]}_{years[-1]}.csv"
        make = partial(planting_delivery, ledger.seed, years)
        yield dropped("herb_planting_year", name, local, 2, make)


def herb_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The herb whose price jumps in the last weeks before the city begins."""
    started = ledger.started.astimezone(SHANGHAI).date()
    begins = started - timedelta(days=JUMP_BEFORE_START)
    herb = load_herbs()[JUMPING]
    return [
        {
            "story": "herb_price_jump",
            "dataset": "herb_market_price_day",
            "key": herb.code,
            "from": begins.isoformat(),
            "to": (begins + timedelta(days=JUMP_RISE_DAYS)).isoformat(),
            "what": f"the price of {herb.name} rises by two fifths within twelve days and stays there",
        }
    ]
