"""The register of standard places: compounds, roads, markets and hamlets of every village and community.

Where they lie is the same for every seed, as with the compounds of the patrol, which are among them. A long
road runs through several communities of a township; its numbers tell which. No place is real.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from citybrain.catalogue import ContentModel, load_content
from citybrain.simulate.compounds import PLACES_SEED, load_compounds
from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content, Delivery, dropped
from citybrain.simulate.dirt import Defect, Row, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.places import division_rows, load_villages

DATASET = "street_address"
NAMES_FILE = Path(__file__).with_name("streets.yml")
HEADERS = {
    "place_code": "地名编号",
    "place_kind": "类别",
    "place_name": "标准名称",
    "village_code": "社区（村）代码",
    "from_number": "起始门牌",
    "to_number": "终止门牌",
}
COMPOUND, ROAD, MARKET, HAMLET = "住宅小区", "道路", "市场", "自然村"
NUMBERS_A_COMMUNITY = 200


class PlaceNames(ContentModel):
    """What names are put together from; see streets.yml."""

    fine: list[str] = Field(min_length=1)
    estates: list[str] = Field(min_length=1)
    markets: list[str] = Field(min_length=1)
    streets: list[str] = Field(min_length=1)
    street_kinds: list[str] = Field(min_length=1)
    sides: list[str] = Field(min_length=1)
    surnames: list[str] = Field(min_length=1)
    ends: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class NamedSpot:
    """A place of the register; `village` is its number in `load_villages()`."""

    code: str
    kind: str
    name: str
    village: int
    from_number: int | None = None
    to_number: int | None = None


@cache
def load_streets() -> tuple[NamedSpot, ...]:
    """Every place, in the order of the villages."""
    villages = load_villages()
    random = np.random.default_rng([PLACES_SEED, 65])
    kinds = {row["code"]: row["name"] for row in division_rows("division_village")}
    urban = ["社区" in kinds[str(code)] or str(code)[6] == "0" for code in villages.codes]
    spots: list[tuple[str, str, int, int | None, int | None]] = []
    number_of = {str(code): place for place, code in enumerate(villages.codes)}
    for compound in load_compounds():
        spots.append((COMPOUND, compound.name, number_of[compound.village_code], None, None))
    names = {str(county): _county_names(random) for county in villages.county_codes}
    for village, code in enumerate(map(str, villages.codes)):
        own = names[code[:6]]
        if urban[village]:
            spots += [(COMPOUND, next(own.compounds), village, None, None) for _ in range(2)]
            if random.random() < 0.25:
                spots.append((MARKET, f"{next(own.markets)}市场", village, None, None))
        else:
            spots += [(HAMLET, next(own.hamlets), village, None, None) for _ in range(2)]
    spots += list(_roads(random, names, [place for place, is_urban in enumerate(urban) if is_urban]))
    spots.sort(key=lambda spot: (spot[2], spot[0], spot[1]))
    return tuple(
        NamedSpot(f"BD{number:06}", kind, name, village, first, last)
        for number, (kind, name, village, first, last) in enumerate(spots, 1)
    )


@dataclass(frozen=True)
class _CountyNames:
    compounds: Iterator[str]
    markets: Iterator[str]
    hamlets: Iterator[str]
    roads: Iterator[str]


def _county_names(random: np.random.Generator) -> _CountyNames:
    """Names that no county uses twice; two counties may well have the same."""

    def shuffled(names: list[str]) -> Iterator[str]:
        return iter([names[int(place)] for place in random.permutation(len(names))])

    parts = load_content(NAMES_FILE, PlaceNames)
    return _CountyNames(
        compounds=shuffled([fine + estate for fine in parts.fine for estate in parts.estates]),
        markets=shuffled([fine + kind for fine in parts.fine for kind in parts.markets]),
        hamlets=shuffled(
            [side + name + end for side in parts.sides for name in parts.surnames for end in parts.ends]
        ),
        roads=shuffled([street + kind for street in parts.streets for kind in parts.street_kinds]),
    )


def _roads(
    random: np.random.Generator, names: dict[str, _CountyNames], urban: list[int]
) -> Iterator[tuple[str, str, int, int | None, int | None]]:
    """One road for each community, running on through up to two more of the township."""
    villages = load_villages()
    for place, village in enumerate(urban):
        code = str(villages.codes[village])
        name = next(names[code[:6]].roads, None)
        if name is None:
            continue
        length = 1 + int(random.random() < 0.4) + int(random.random() < 0.15)
        passed = [v for v in urban[place : place + length] if str(villages.codes[v])[:9] == code[:9]]
        for section, through in enumerate(passed):
            first = section * NUMBERS_A_COMMUNITY + 1
            yield ROAD, name, through, first, first + NUMBERS_A_COMMUNITY - 1


DEFECTS = [
    Defect("village_unknown", 0.003, "village_code", setting("village_code", "341699999999")),
    Defect("name_missing", 0.002, "place_name", setting("place_name", "")),
    Defect("kind_unknown", 0.002, "place_kind", setting("place_kind", "其它")),
    Defect("sent_twice", 0.002, "place_code", None),
]


def street_delivery(seed: int) -> Content:
    """The register, its rows and the truth about them."""
    villages = load_villages()
    rows: list[Row] = [_row(spot, str(villages.codes[spot.village])) for spot in load_streets()]
    truth = plant(seed, DATASET, rows, np.arange(len(rows)), lambda row: str(row["place_code"]), DEFECTS)
    return csv_bytes(HEADERS, rows), len(rows), truth


def _row(spot: NamedSpot, village_code: str) -> dict[str, Any]:
    return {
        "place_code": spot.code,
        "place_kind": spot.kind,
        "place_name": spot.name,
        "village_code": village_code,
        "from_number": "" if spot.from_number is None else spot.from_number,
        "to_number": "" if spot.to_number is None else spot.to_number,
    }


def street_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The register once: it changes when a street is built."""
    yield dropped(DATASET, f"{DATASET}.csv", local, 2, lambda: street_delivery(ledger.seed))
