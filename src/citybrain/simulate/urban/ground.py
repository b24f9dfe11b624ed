"""Where the villages of the demo city lie: cells that fill each county's real outline without gaps.

The division list names villages, not places. Every county is shared out among its townships and every
township among its villages by relaxed Voronoi cells, seats in the middle. It is the same for every seed. No
cell is a real boundary.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray

from citybrain.catalogue import gcj02_to_wgs84
from citybrain.simulate.noise import Floats, uniform
from citybrain.simulate.places import COUNTY_SEATS, DATA, DRAW_OF_KIND, division_rows, load_villages

Geometries = NDArray[np.object_]

PLACES_SEED = 341600
RELAXATIONS = 4
METRES_A_DEGREE = 111_320.0
TRIES = 12  # throws at a cell's bounding box before a point falls back to the cell's middle


@dataclass(frozen=True)
class Ground:
    """One entry for each village, in the order of `load_villages`. WGS84 degrees."""

    cells: Geometries
    longitudes: Floats
    latitudes: Floats


@cache
def load_ground() -> Ground:
    villages = load_villages()
    random = np.random.default_rng([PLACES_SEED, 43])
    cells = np.empty(len(villages.codes), dtype=object)
    townships = np.array([code[:9] for code in villages.codes])
    for county, outline in outlines().items():
        codes = np.unique(townships[np.strings.startswith(townships, county)])
        for township, cell in zip(
            _from_the_middle(codes), _shared_out(random, outline, len(codes)), strict=True
        ):
            members = np.flatnonzero(townships == township)
            cells[members] = _shared_out(random, cell, len(members))
    middles = shapely.point_on_surface(cells)
    return Ground(cells, np.round(shapely.get_x(middles), 6), np.round(shapely.get_y(middles), 6))


@cache
def outlines() -> dict[str, shapely.Geometry]:
    """The counties' shipped outlines by code, in WGS84."""
    collection = json.loads((DATA / "county_boundary.geojson").read_text(encoding="utf-8"))
    codes = {row["name"]: row["code"] for row in division_rows("division_county")}
    return {
        codes[feature["properties"]["name"]]: shapely.make_valid(
            shapely.transform(shapely.geometry.shape(feature["geometry"]), gcj02_to_wgs84)
        )
        for feature in collection["features"]
    }


def points_within(
    seed: int, stream: str, cells: Geometries, keys: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """One point in each of `cells`, longitudes and latitudes in degrees; a pure function of seed and key."""
    bounds = shapely.bounds(cells)
    middles = shapely.point_on_surface(cells)
    longitudes, latitudes = shapely.get_x(middles), shapely.get_y(middles)
    open_places = np.arange(len(cells))
    for attempt in range(TRIES):
        box = bounds[open_places]
        tried = keys[open_places] * TRIES + attempt
        x = box[:, 0] + uniform(seed, f"{stream}/x", tried) * (box[:, 2] - box[:, 0])
        y = box[:, 1] + uniform(seed, f"{stream}/y", tried) * (box[:, 3] - box[:, 1])
        hit = shapely.contains_xy(cells[open_places], x, y)
        longitudes[open_places[hit]], latitudes[open_places[hit]] = x[hit], y[hit]
        open_places = open_places[~hit]
    return np.round(longitudes, 6), np.round(latitudes, 6)


def square_metres(cells: Geometries) -> Floats:
    """Area of cells in degrees; good to a part in a thousand over a county."""
    latitudes = np.radians(shapely.get_y(shapely.centroid(cells)))
    metres: Floats = shapely.area(cells) * METRES_A_DEGREE**2 * np.cos(latitudes)
    return metres


def _from_the_middle(codes: NDArray[np.str_]) -> list[str]:
    """Townships in the order in which they lie around the county's middle: the busiest first."""
    draw = {str(code): COUNTY_SEATS.get(str(code), DRAW_OF_KIND[str(code)[6]]) for code in codes}
    return sorted(draw, key=lambda code: (-draw[code], code))


def _shared_out(random: np.random.Generator, area: shapely.Geometry, parts: int) -> list[shapely.Geometry]:
    """`parts` cells that fill `area`, the ones nearest its middle first."""
    if parts == 1:
        return [area]
    points = _scattered(random, area, parts)
    for _ in range(RELAXATIONS):
        points = np.array([_inner_point(cell) for cell in _cells(area, points)])
    middle = np.array(shapely.centroid(area).coords[0])
    distance = np.hypot(*(points - middle).T)
    cells = _cells(area, points)
    return [cells[place] for place in np.argsort(distance, kind="stable")]


def _cells(area: shapely.Geometry, points: Floats) -> list[shapely.Geometry]:
    found = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=area, ordered=True)
    return [_areal(cell) for cell in shapely.intersection(shapely.get_parts(found), area)]


def _areal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The geometry without the lines and points that an intersection may leave beside its polygons."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = shapely.get_parts(geometry)
    return shapely.multipolygons([part for part in parts if part.geom_type == "Polygon"])


def _inner_point(cell: shapely.Geometry) -> tuple[float, float]:
    centre = shapely.centroid(cell)
    if not cell.contains(centre):
        centre = shapely.point_on_surface(cell)
    return float(centre.x), float(centre.y)


def _scattered(random: np.random.Generator, area: shapely.Geometry, count: int) -> Floats:
    west, south, east, north = area.bounds
    kept: list[Floats] = []
    while sum(map(len, kept)) < count:
        thrown = random.uniform((west, south), (east, north), size=(4 * count, 2))
        kept.append(thrown[shapely.contains_xy(area, thrown[:, 0], thrown[:, 1])])
    return np.concatenate(kept)[:count]
