"""The ground under two tiles: a river, villages, fields, and buildings that come and go by quarters.

Positions are metres from the tile's north-western corner, x to the east and y to the south. Quarters are
counted so that the newest scene of the city's first day shows quarter `FIRST_NEWEST`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from citybrain.simulate.noise import uniform

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

SIDE_M = 2560.0
UTM_EPSG = 32650
RIVER_HALF_WIDTH_M = 45.0
LINE_HALF_WIDTH_M = 150.0  # of the management range, from the middle of the river
PARCEL_M = (160.0, 120.0)
FIRST_NEWEST = 7
_SEED = 341600  # where things lie is the same for every city


class Land(IntEnum):
    """What covers the ground."""

    WATER = 0
    WHEAT = 1
    ORCHARD = 2
    FALLOW = 3
    VILLAGE = 4
    BUILDING = 5


@dataclass(frozen=True)
class Building:
    """A rectangle of `width` and `depth` m whose middle lies `off` m south of the river's middle at `x`.

    It stands in the quarters `first` up to, not including, `until`.
    """

    story: str
    x: float
    off: float
    width: float
    depth: float
    first: int
    until: int | None

    def stands(self, quarter: int) -> bool:
        return self.first <= quarter and (self.until is None or quarter < self.until)

    @property
    def inside_line(self) -> bool:
        return abs(self.off) < LINE_HALF_WIDTH_M


@dataclass(frozen=True)
class Tile:
    """A square of SIDE_M whose north-western corner is at `east`, `north` of UTM zone 50."""

    number: int
    name: str
    county_code: str
    county: str
    river: str
    east: int
    north: int
    bend: float  # phase of the river's curve
    buildings: tuple[Building, ...]

    def river_y(self, x: Floats) -> Floats:
        """The middle of the river at x."""
        wide = 330.0 * np.sin(x / SIDE_M * 5.2 + self.bend)
        return np.asarray(SIDE_M / 2 + wide + 45.0 * np.sin(x / 230.0), dtype=np.float64)

    def corners(self, building: Building) -> Floats:
        """The building's outline, (4, 2)."""
        middle = float(self.river_y(np.array([building.x]))[0]) + building.off
        across, down = building.width / 2, building.depth / 2
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return np.asarray([building.x, middle] + signs * [across, down], dtype=np.float64)

    def to_utm(self, places: Floats) -> Floats:
        return np.asarray([self.east, self.north] + places * [1, -1], dtype=np.float64)


TILES = (
    Tile(
        1, "T1QC", "341602", "谯城区", "涡河", 387720, 3748560, 0.4,
        (
            Building("building_within_line", 1780, 95, 90, 60, 6, None),
            Building("building_cleared", 700, -90, 70, 60, 0, 4),
            Building("building_outside_line", 1200, -560, 110, 80, 5, None),
        ),
    ),
    Tile(
        2, "T2GY", "341621", "涡阳县", "涡河", 426280, 3709380, 2.1,
        (Building("building_within_line", 1450, -100, 80, 70, FIRST_NEWEST, None),),
    ),
)  # fmt: skip


def land(tile: Tile, x: Floats, y: Floats, quarter: int) -> Codes:
    """What covers the ground at the points, as codes of Land."""
    parcel = np.floor(x / PARCEL_M[0]).astype(np.int64) * 1000 + np.floor(y / PARCEL_M[1]).astype(np.int64)
    luck = uniform(_SEED + tile.number, "parcel", np.abs(parcel))
    found = np.where(luck < 0.68, Land.WHEAT, np.where(luck < 0.86, Land.ORCHARD, Land.FALLOW)).astype(
        np.uint8
    )
    for east, south, radius in _villages(tile):
        ragged = 1 + 0.25 * np.sin(5 * np.arctan2(y - south, x - east) + east)
        found[np.hypot(x - east, y - south) < radius * ragged] = Land.VILLAGE
    from_river = np.abs(y - tile.river_y(x))
    found[(from_river < LINE_HALF_WIDTH_M) & (found == Land.VILLAGE)] = Land.ORCHARD
    found[from_river < RIVER_HALF_WIDTH_M] = Land.WATER
    for building in tile.buildings:
        if building.stands(quarter):
            (west, north), (east, south) = tile.corners(building)[[0, 2]]
            found[(x >= west) & (x < east) & (y >= north) & (y < south)] = Land.BUILDING
    return found


def _villages(tile: Tile) -> Iterator[tuple[float, float, float]]:
    """Middle and radius of each."""
    keys = np.arange(6)
    places = [uniform(_SEED + tile.number, f"village/{name}", keys) for name in ("x", "y", "size")]
    for x, y, size in zip(*places, strict=True):
        yield SIDE_M * float(x), SIDE_M * float(y), 70 + 110 * float(size)


def to_wgs84(tile: Tile, places: Floats) -> Floats:
    """Longitudes and latitudes of points (n, 2) of the tile, rounded to 1e-6 degrees."""
    from rasterio.warp import transform

    east, north = tile.to_utm(places).T
    return np.round(np.array(transform(f"EPSG:{UTM_EPSG}", "EPSG:4326", east, north)).T, 6)
