"""Schools, what they hold and teach year by year, and the children who should go to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue import load_areas
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.livelihood.content import load_livelihood
from citybrain.simulate.noise import normal, uniform
from citybrain.simulate.places import load_villages

SCHOOL_HEADERS = {
    "school_code": "学校标识码",
    "school_name": "学校名称",
    "township_code": "所在乡镇代码",
    "stage": "学段",
    "ownership": "办学性质",
}
YEAR_HEADERS = {
    "school_code": "学校标识码",
    "school_year": "学年",
    "seats": "学位数",
    "pupils": "在校学生",
    "teachers": "专任教师",
}
CHILD_HEADERS = {"area_code": "区划代码", "school_year": "学年", "stage": "学段", "children": "适龄人口"}
HISTORY_YEARS = 3
SCHOOL_YEAR_BEGINS = (9, 15)  # by then pupils are counted
BASE_YEAR = 2023
STRENGTH_OF_COUNTY = np.array([1.04, 1.0, 1.02, 0.94])  # teachers for the pupils, by county
CROWDED = "341602400"  # people move in faster than schools are built
CROWDED_STAGE = 1
PRIVATE = {"幼儿园": 0.45, "小学": 0.08, "初中": 0.12, "高中": 0.2}

YEAR_DEFECTS = [
    Defect("pupils_not_a_number", 0.0025, "pupils", one_of("pupils", ["约600", "未统计"])),
    Defect("seats_negative", 0.0020, "seats", changing("seats", lambda seats: -seats)),
    Defect("school_unknown", 0.0020, "school_code", setting("school_code", "341602S9999")),
    Defect("year_in_future", 0.0015, "school_year", changing("school_year", lambda year: year + 20)),
    Defect("sent_twice", 0.0020, "school_code", None),
]
CHILD_DEFECTS = [
    Defect("area_unknown", 0.0030, "area_code", setting("area_code", "341602999")),
    Defect("children_negative", 0.0030, "children", changing("children", lambda number: -number - 1)),
    Defect("stage_unknown", 0.0030, "stage", one_of("stage", ["中专", "学前"])),
]


def newest_school_year(day: date) -> int:
    """The school year whose pupils are counted by `day`; it is named after the year it begins in."""
    return day.year if (day.month, day.day) >= SCHOOL_YEAR_BEGINS else day.year - 1


@dataclass(frozen=True)
class Townships:
    """One entry for each township. children: of each stage in BASE_YEAR, stages by townships."""

    codes: NDArray[np.str_]
    names: list[str]
    counties: NDArray[np.int64]
    children: NDArray[np.float64]


@cache
def townships() -> Townships:
    places = load_villages()
    codes, first, where, villages = np.unique(
        np.strings.slice(places.codes, 9), return_index=True, return_inverse=True, return_counts=True
    )
    counties = places.counties[first]
    draw = np.bincount(where, weights=places.weights[""])
    # People live spread out, firms crowd: a township's children lie between its villages and its draw
    within = 0.6 * villages / np.bincount(counties, weights=villages)[counties]
    within = within + 0.4 * draw / np.bincount(counties, weights=draw)[counties]
    residents = np.array([county.residents_thousand for county in load_areas().counties])[counties] * within
    stages = np.array([stage.children for stage in load_livelihood().stages])
    return Townships(
        codes=codes,
        names=places.township_names[first].tolist(),
        counties=counties,
        children=stages[:, None] * residents[None, :],
    )


def _children(seed: int, year: int) -> NDArray[np.float64]:
    """Children of each stage and township in a school year."""
    base, changes = townships(), [stage.change for stage in load_livelihood().stages]
    keys = np.arange(base.children.size).reshape(base.children.shape)
    years = year - BASE_YEAR
    grown = (1 + np.array(changes))[:, None] ** years * np.exp(0.012 * years * normal(seed, "children", keys))
    children: NDArray[np.float64] = base.children * grown
    crowded = int(np.flatnonzero(base.codes == CROWDED)[0])
    children[CROWDED_STAGE, crowded] *= 1.09 ** max(0, years)
    return children


@dataclass(frozen=True)
class School:
    code: str
    name: str
    township: int  # place in `townships()`
    stage: int
    share: float  # of its township's children; of its county's for the highest stage
    ownership: str


@cache
def schools(seed: int) -> tuple[School, ...]:
    """Every school. The highest stage stands in a county's largest townships and takes the whole county."""
    places, stages = townships(), load_livelihood().stages
    found: list[School] = []
    numbers = dict.fromkeys(range(len(load_areas().counties)), 0)
    for stage_place, stage in enumerate(stages):
        for township, share in _places_of_schools(places, stage_place, stage.size):
            county = int(places.counties[township])
            numbers[county] += 1
            code = f"{places.codes[township][:6]}S{numbers[county]:04d}"
            private = uniform(seed, "school/private", np.array([len(found)]))[0] < PRIVATE[stage.zh]
            found.append(
                School(
                    code=code,
                    name=f"{places.names[township]}第{numbers[county]}{stage.zh}",
                    township=township,
                    stage=stage_place,
                    share=share,
                    ownership="民办" if private else "公办",
                )
            )
    return tuple(found)


def _places_of_schools(places: Townships, stage: int, size: int) -> list[tuple[int, float]]:
    """The township of each school of a stage, and its share of the children."""
    children = places.children[stage]
    if stage < len(places.children) - 1:
        counts = np.maximum(1, np.rint(children / size)).astype(np.int64)
        return [(place, 1 / count) for place, count in enumerate(counts.tolist()) for _ in range(count)]
    found = []
    for county in range(int(places.counties.max()) + 1):
        inside = np.flatnonzero(places.counties == county)
        count = max(1, round(float(children[inside].sum()) / size))
        largest = inside[np.argsort(-children[inside], kind="stable")][: max(1, count // 2)]
        found += [(int(largest[number % len(largest)]), 1 / count) for number in range(count)]
    return found


def school_delivery(seed: int) -> Content:
    """The register of schools: no defects, every code is issued."""
    places, stages = townships(), load_livelihood().stages
    rows: list[Row] = [
        {
            "school_code": school.code,
            "school_name": school.name,
            "township_code": str(places.codes[school.township]),
            "stage": stages[school.stage].zh,
            "ownership": school.ownership,
        }
        for school in schools(seed)
    ]
    return csv_bytes(SCHOOL_HEADERS, rows), len(rows), []


def school_year_delivery(seed: int, first: int, last: int) -> Content:
    """Seats, pupils and teachers of each school in these school years, GB18030."""
    rows: list[Row] = []
    keys: list[int] = []
    for year in range(first, last + 1):
        rows += _school_year(seed, year)
        keys += (np.arange(len(schools(seed))) * 4096 + year).tolist()
    truth = plant(
        seed,
        "school_year",
        rows,
        np.array(keys),
        lambda row: f"{row['school_code']} {row['school_year']}",
        YEAR_DEFECTS,
    )
    return csv_bytes(YEAR_HEADERS, rows).decode().encode("gb18030"), len(rows), truth


def _school_year(seed: int, year: int) -> list[Row]:
    places, stages, known = townships(), load_livelihood().stages, schools(seed)
    base, now = _children(seed, BASE_YEAR), _children(seed, year)
    highest = len(stages) - 1
    by_county = [np.bincount(places.counties, weights=numbers[highest]) for numbers in (base, now)]
    keys = np.arange(len(known))
    room = 1.08 + 0.10 * normal(seed, "school/room", keys)
    # One school in six is enlarged in a year
    built = np.zeros(len(known))
    for past in range(BASE_YEAR + 1, year + 1):
        built += uniform(seed, "school/built", keys * 64 + past % 64) < 0.17
    luck = normal(seed, "school/teachers", keys * 64 + year % 64)
    rows: list[Row] = []
    for place, school in enumerate(known):
        stage, county = stages[school.stage], int(places.counties[school.township])
        of_year: list[Any] = [numbers[school.stage, school.township] for numbers in (base, now)]
        if school.stage == highest:
            of_year = [numbers[county] for numbers in by_county]
        seats = of_year[0] * school.share * max(0.8, float(room[place])) * (1 + 0.06 * float(built[place]))
        seats = 5 * round(seats / 5)
        pupils = min(round(of_year[1] * school.share * stage.attending), round(seats * 1.06))
        teachers = pupils / stage.ratio * STRENGTH_OF_COUNTY[county] * (1 + 0.05 * float(luck[place]))
        rows.append(
            {
                "school_code": school.code,
                "school_year": year,
                "seats": max(30, seats),
                "pupils": max(1, pupils),
                "teachers": max(2, round(float(teachers))),
            }
        )
    return rows


def child_delivery(seed: int, first: int, last: int) -> Content:
    """Children of school age in these school years: by township, and by county for the highest stage."""
    rows: list[Row] = []
    keys: list[int] = []
    for year in range(first, last + 1):
        for place, (stage, codes, children) in enumerate(_children_by_area(seed, year)):
            rows += [
                {"area_code": code, "school_year": year, "stage": stage, "children": round(number)}
                for code, number in zip(codes, children.tolist(), strict=True)
            ]
            keys += [(int(code) * 8 + place) * 4096 + year for code in codes]
    truth = plant(
        seed,
        "school_age_population",
        rows,
        np.array(keys),
        lambda row: f"{row['area_code']} {row['school_year']} {row['stage']}",
        CHILD_DEFECTS,
    )
    return csv_bytes(CHILD_HEADERS, rows), len(rows), truth


def _children_by_area(seed: int, year: int) -> Iterator[tuple[str, list[str], NDArray[np.float64]]]:
    """Each stage with the areas it is counted by, and their children."""
    places, children = townships(), _children(seed, year)
    *lower, highest = load_livelihood().stages
    for stage, numbers in zip(lower, children, strict=False):
        yield stage.zh, places.codes.tolist(), numbers
    codes = [county.code for county in load_areas().counties]
    yield highest.zh, codes, np.bincount(places.counties, weights=children[-1]).astype(np.float64)


def years_to_tell(ledger: Ledger, local: datetime) -> tuple[int, int]:
    """The school years of the newest file: all of the history while nothing newer began."""
    first, newest = newest_school_year(ledger.local_start.date()), newest_school_year(local.date())
    return (first - HISTORY_YEARS + 1, first) if newest == first else (newest, newest)


def school_stories(started: datetime) -> list[dict[str, str]]:
    """The township where seats are short."""
    newest = newest_school_year(started.date())
    return [
        {
            "story": "seats_short",
            "dataset": "school_age_population",
            "key": CROWDED,
            "from": str(newest - HISTORY_YEARS + 1),
            "to": str(newest),
            "what": "people move into one township faster than its primary schools grow",
        }
    ]
