"""The statistics bureau's yearbook table of residents by county: ten years in one workbook, each spring."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, partial

import numpy as np

from citybrain.catalogue import load_areas
from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, changing, one_of, setting
from citybrain.simulate.economy.leftovers import leave_lines
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import normal
from citybrain.simulate.places import DATA
from citybrain.simulate.workbook import workbook_bytes

SHEET = "人口"
YEARS = 10
PUBLISHED = (4, 15)  # month and day of the year after
BASE_YEAR = 2020
HEADERS = {
    "county_code": "区划代码",
    "county_name": "地区",
    "year": "年份",
    "residents": "常住人口(人)",
    "urban_residents": "城镇常住人口(人)",
    "area_km2": "土地面积(平方公里)",
    "births": "出生人口(人)",
    "deaths": "死亡人口(人)",
    "age_0_14": "0-14岁(人)",
    "age_15_59": "15-59岁(人)",
    "age_60_plus": "60岁及以上(人)",
    "age_65_plus": "65岁及以上(人)",
    "households": "家庭户(户)",
}
DEFECTS = [
    Defect("total_without_code", 0.02, "county_code", one_of("county_code", ["", "合计"])),
    Defect("residents_not_a_number", 0.02, "residents", setting("residents", "待核")),
    Defect("year_in_future", 0.02, "year", changing("year", lambda year: year + 30)),
    Defect("sent_twice", 0.02, "county_code", None),
]


@cache
def _levels() -> dict[str, dict[str, float]]:
    """Per county: area in km2 and the shares and rates of the base year; rates are per person and year."""
    with (DATA / "population_levels.csv").open(encoding="utf-8", newline="") as file:
        return {
            row.pop("county_code"): {name: float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        }


def residents_of(seed: int, county: int, year: int) -> int:
    """Residents of the county at the end of the year: the catalogue's figure stands for the base year."""
    area = load_areas().counties[county]
    level = _levels()[area.code]
    passed = year - BASE_YEAR
    wobble = 0.0008 * float(normal(seed, "population", np.array([year * 16 + county]))[0])
    return round(1000 * (area.residents_thousand or 0) * (1 + level["growth"]) ** passed * (1 + wobble))


def population_rows(seed: int, newest: int) -> tuple[list[Row], list[int]]:
    """The ten years up to `newest`, and a number for each row that stays the same."""
    rows: list[Row] = []
    keys: list[int] = []
    for year in range(newest - YEARS + 1, newest + 1):
        passed = year - BASE_YEAR
        for place, county in enumerate(load_areas().counties):
            level = _levels()[county.code]
            residents = residents_of(seed, place, year)
            wobble = float(normal(seed, "population/vital", np.array([year * 16 + place]))[0])
            old = level["age_60_plus"] + 0.0052 * passed
            young = level["age_0_14"] - 0.0045 * passed
            over_60, under_15 = round(residents * old), round(residents * young)
            rows.append(
                {
                    "county_code": county.code,
                    "county_name": county.zh,
                    "year": year,
                    "residents": residents,
                    "urban_residents": round(residents * (level["urban"] + 0.0095 * passed)),
                    "area_km2": level["area_km2"],
                    "births": round(residents * level["births"] * 0.94**passed * (1 + 0.02 * wobble)),
                    "deaths": round(residents * level["deaths"] * 1.015**passed * (1 - 0.02 * wobble)),
                    "age_0_14": under_15,
                    "age_15_59": residents - under_15 - over_60,
                    "age_60_plus": over_60,
                    "age_65_plus": round(over_60 * 0.76),
                    "households": round(residents / (level["household"] - 0.02 * passed)),
                }
            )
            keys.append(year * 16 + place)
    return rows, keys


def population_delivery(seed: int, newest: int, moment: datetime) -> Content:
    """The table up to `newest`, its rows and the truth about them."""
    rows, keys = population_rows(seed, newest)
    truth = leave_lines(
        seed,
        "population_county_year",
        rows,
        np.array(keys),
        lambda row: f"{row['county_code']} {row['year']}",
        DEFECTS,
    )
    return workbook_bytes(SHEET, HEADERS, rows, moment), len(rows), truth


def newest_population_year(day: date) -> int:
    return day.year - (1 if (day.month, day.day) >= PUBLISHED else 2)


def population_stories(_ledger: Ledger) -> list[dict[str, str]]:
    """The county that is oldest in every year, and loses people, for people and tests."""
    levels = _levels()
    oldest = max(levels, key=lambda code: levels[code]["age_60_plus"])
    return [
        {
            "story": "oldest_county",
            "dataset": "population_county_year",
            "key": oldest,
            "from": str(BASE_YEAR),
            "to": "",
            "what": "one county has more people above sixty than any other, and fewer residents every year",
        }
    ]


def population_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The table of every spring since the city began."""
    first = newest_population_year(ledger.started.astimezone(SHANGHAI).date())
    for year in range(first, newest_population_year(local.date()) + 1):
        make = partial(population_delivery, ledger.seed, year, local)
        yield dropped("population_county_year", f"population_{year}.xlsx", local, 2, make)
