"""The real divisions shipped with the demo city, and how firms spread over them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue import load_areas

DATA = Path(__file__).with_name("data")
DIVISIONS = ("division_county", "division_township", "division_village")
EDITION = "2023-06-30"

# How many firms a township draws for its kind, told by the seventh digit of its code: sub-districts, towns,
# townships, development zones.
DRAW_OF_KIND = {"0": 5.0, "1": 1.0, "2": 0.6, "4": 7.0}
COUNTY_SEATS = {"341623100": 6.0}  # Lixin's seat is a town by its code

# Trades that crowd together: the place draws so many times more of them.
PULLS: dict[str, dict[str, float]] = {
    "qiaocheng": {"341602": 6.0, "341602400": 4.0, "341602108": 4.0, "341602109": 3.0, "341602102": 3.0},
    "liquor": {"341602100": 60.0, "341621108": 25.0, "341602": 2.0},
    "guoyang": {"341621": 2.5},
    "mengcheng": {"341622": 2.5, "341622400": 3.0},
}


@dataclass(frozen=True)
class Villages:
    """One entry for each village or community; `weight` of each trade's pull sums to 1."""

    codes: NDArray[np.str_]
    names: NDArray[np.str_]
    township_names: NDArray[np.str_]
    counties: NDArray[np.int64]  # index into `county_codes`
    county_codes: NDArray[np.str_]
    county_names: NDArray[np.str_]
    weights: dict[str, NDArray[np.float64]]


def division_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a shipped division file."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def load_villages() -> Villages:
    townships = {row["code"]: row["name"] for row in division_rows("division_township")}
    rows = list(division_rows("division_village"))
    counties = load_areas().counties
    county_codes = [county.code for county in counties]
    codes = np.array([row["code"] for row in rows])
    township_codes = np.array([row["streetCode"] for row in rows])
    county_of = np.array([county_codes.index(row["areaCode"]) for row in rows])

    draw = np.array([COUNTY_SEATS.get(code, DRAW_OF_KIND[code[6]]) for code in township_codes])
    _, where, size = np.unique(township_codes, return_inverse=True, return_counts=True)
    within_county = draw / size[where]
    within_county /= np.bincount(county_of, weights=within_county)[county_of]
    residents = np.array([county.residents_thousand for county in counties], dtype=np.float64)
    general = within_county * residents[county_of] / residents.sum()

    weights = {"": general}
    for trade, places in PULLS.items():
        pulled = general.copy()
        for place, times in places.items():
            pulled[np.strings.startswith(codes, place)] *= times
        weights[trade] = pulled / pulled.sum()
    return Villages(
        codes=codes,
        names=np.array([row["name"] for row in rows]),
        township_names=np.array([townships[code] for code in township_codes]),
        counties=county_of,
        county_codes=np.array(county_codes),
        county_names=np.array([county.zh for county in counties]),
        weights=weights,
    )
