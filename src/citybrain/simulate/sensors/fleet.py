"""Which devices the city has: ids, villages and places, the same on every day."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray

from citybrain.catalogue import gcj02_to_wgs84
from citybrain.simulate.ledger import ENTERPRISES_AT_SCALE_1
from citybrain.simulate.noise import Floats, Keys, normal, uniform
from citybrain.simulate.places import DATA, division_rows, load_villages
from citybrain.simulate.sensors.kinds import Kind, load_kinds

LEAST = 8  # devices of a kind in the smallest city: two for each county
FAMILY = 16_384  # numbers of devices: kind * FAMILY + place within the kind
SCATTER = 0.035  # degrees around the middle of a county
TRIES = 12
RETIRED, REPAIRED = 0.015, 0.01
FIRST_INSTALLED, INSTALLING_DAYS = date(2019, 3, 1), 1900


@dataclass(frozen=True)
class Fleet:
    """The devices of one kind; arrays of one length. `numbers` are unique among all kinds."""

    kind: Kind
    numbers: Keys
    ids: NDArray[np.str_]
    villages: NDArray[np.int64]  # index into `load_villages()`
    lon: Floats
    lat: Floats
    status: NDArray[np.str_]  # 在用, 维修 or 停用

    @property
    def reports(self) -> NDArray[np.bool_]:
        """A device that was taken out of service reports nothing."""
        used: NDArray[np.bool_] = self.status != "停用"
        return used


def device_count(kind: Kind, enterprises: int) -> int:
    """How many devices a city with so many firms has."""
    if kind.fixed:
        return kind.devices
    return max(LEAST, round(kind.devices * enterprises / ENTERPRISES_AT_SCALE_1))


@cache
def load_fleets(seed: int, enterprises: int) -> tuple[Fleet, ...]:
    """One for each kind, in the order of kinds.yml. Ids are county code, letter and five digits."""
    return tuple(
        _fleet(seed, place, kind, device_count(kind, enterprises)) for place, kind in enumerate(load_kinds())
    )


def _fleet(seed: int, place: int, kind: Kind, count: int) -> Fleet:
    places = load_villages()
    numbers = np.arange(count, dtype=np.int64) + place * FAMILY
    counties = _counties(count)
    villages = np.empty(count, dtype=np.int64)
    luck = uniform(seed, "device/village", numbers)
    for county in range(len(places.county_codes)):
        members = np.flatnonzero(counties == county)
        there = np.flatnonzero(places.counties == county)
        share = np.cumsum(places.weights[""][there])
        villages[members] = there[np.searchsorted(share / share[-1], luck[members], side="right")]
    lon, lat = _positions(seed, numbers, counties)
    ids = np.array(device_ids(kind.letter, count))
    state = uniform(seed, "device/status", numbers)
    status = np.select([state < RETIRED, state < RETIRED + REPAIRED], ["停用", "维修"], "在用")
    return Fleet(kind, numbers, ids, villages, lon, lat, status)


def device_ids(letter: str, count: int) -> list[str]:
    """The ids of `count` devices of a kind: county code, the kind's letter, five digits that count within."""
    codes, counties = load_villages().county_codes, _counties(count)
    _, first = np.unique(counties, return_index=True)
    within = np.arange(count) - first[counties] + 1
    return [f"{codes[county]}{letter}{number:05}" for county, number in zip(counties, within, strict=True)]


def _counties(count: int) -> Keys:
    """The county of each device: as many as the county has of the city's people, at least one each."""
    places = load_villages()
    share = np.bincount(places.counties, weights=places.weights[""])
    ends = np.round(np.cumsum(share) * count).astype(np.int64)
    least = np.arange(1, len(ends) + 1)
    ends = np.maximum(ends, least)
    ends[-1] = count
    return np.searchsorted(ends, np.arange(count), side="right").astype(np.int64)


@cache
def _outlines() -> dict[str, shapely.Geometry]:
    """The counties' outlines in GCJ-02 by code, as they are shipped."""
    collection = json.loads((DATA / "county_boundary.geojson").read_text(encoding="utf-8"))
    codes = {row["name"]: row["code"] for row in division_rows("division_county")}
    return {
        codes[feature["properties"]["name"]]: shapely.geometry.shape(feature["geometry"])
        for feature in collection["features"]
    }


def _positions(seed: int, numbers: Keys, counties: Keys) -> tuple[Floats, Floats]:
    """A WGS84 position around the middle of its county for each; what falls outside is thrown again."""
    shifted = np.empty((len(numbers), 2))
    for county, code in enumerate(load_villages().county_codes):
        outline = _outlines()[str(code)]
        middle = outline.representative_point()
        waiting = np.flatnonzero(counties == county)
        shifted[waiting] = (middle.x, middle.y)
        for throw in range(TRIES):
            lon = middle.x + SCATTER * normal(seed, f"device/lon/{throw}", numbers[waiting])
            lat = middle.y + SCATTER * normal(seed, f"device/lat/{throw}", numbers[waiting])
            inside = shapely.contains_xy(outline, lon, lat)
            shifted[waiting[inside]] = np.column_stack([lon[inside], lat[inside]])
            waiting = waiting[~inside]
    exact = np.round(gcj02_to_wgs84(shifted), 6)
    return exact[:, 0], exact[:, 1]


def installed_on(seed: int, fleet: Fleet) -> list[date]:
    """The day each device was installed, years before the city's first delivery."""
    days = (uniform(seed, "device/installed", fleet.numbers) * INSTALLING_DAYS).astype(int)
    return [FIRST_INSTALLED + timedelta(days=int(day)) for day in days]
