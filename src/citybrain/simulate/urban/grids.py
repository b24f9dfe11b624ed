"""Unit grids after GB/T 30428: a village's code and three digits, numbered from the west, northern row first.

Every village has at least one; the others go where people crowd. Grids of a village share its cell.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray

from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Defect, Row, changing, one_of, plant, setting
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.noise import Floats, uniform
from citybrain.simulate.places import load_villages
from citybrain.simulate.urban.column_files import geojson_of_rows
from citybrain.simulate.urban.ground import Geometries, load_ground, square_metres

MORE_GRIDS_AT_SCALE_1 = 6_640
MOST_OF_A_VILLAGE = 60
KINDS = ("居住区", "商业区", "道路广场", "公园绿地", "工业仓储", "农田水域")
KIND_BOUNDS = {True: (0.46, 0.66, 0.80, 0.88, 0.95, 1.0), False: (0.40, 0.44, 0.50, 0.53, 0.57, 1.0)}


@dataclass(frozen=True)
class Grids:
    """One entry for each unit grid, in the order of codes; centres in WGS84 degrees, areas in m²."""

    codes: NDArray[np.str_]
    villages: NDArray[np.int64]  # index into `load_villages`
    cells: Geometries
    longitudes: Floats
    latitudes: Floats
    areas: Floats

    def county_codes(self) -> NDArray[np.str_]:
        villages = load_villages()
        return villages.county_codes[villages.counties[self.villages]]


def grids_of(ledger: Ledger) -> Grids:
    return load_grids(ledger.scaled(MORE_GRIDS_AT_SCALE_1, 10))


@cache
def load_grids(more: int) -> Grids:
    """`more`: how many grids beyond one a village are shared out by where people live."""
    villages, ground = load_villages(), load_ground()
    shares = np.floor(np.cumsum(villages.weights[""]) * more + 1e-9)
    counts = np.minimum(MOST_OF_A_VILLAGE, 1 + np.diff(shares, prepend=0).astype(np.int64))
    codes, owners, cells = [], [], []
    for village, count in enumerate(counts.tolist()):
        for number, cell in enumerate(_split(ground.cells[village], count), 1):
            codes.append(f"{villages.codes[village]}{number:03}")
            owners.append(village)
            cells.append(cell)
    order = np.argsort(np.array(codes))
    shapes = np.array(cells, dtype=object)[order]
    middles = shapely.point_on_surface(shapes)
    return Grids(
        codes=np.array(codes)[order],
        villages=np.array(owners)[order],
        cells=shapes,
        longitudes=np.round(shapely.get_x(middles), 6),
        latitudes=np.round(shapely.get_y(middles), 6),
        areas=np.round(square_metres(shapes)),
    )


def _split(cell: shapely.Geometry, parts: int) -> list[shapely.Geometry]:
    """About `parts` pieces by rows from the north and columns from the west; empty corners are left out."""
    if parts == 1:
        return [cell]
    west, south, east, north = cell.bounds
    rows = max(1, round(np.sqrt(parts)))
    columns = -(-parts // rows)
    xs, ys = np.linspace(west, east, columns + 1), np.linspace(north, south, rows + 1)
    tiles = [
        shapely.box(xs[column], ys[row + 1], xs[column + 1], ys[row])
        for row in range(rows)
        for column in range(columns)
    ]
    pieces = shapely.intersection(np.array(tiles, dtype=object), cell)
    return [
        piece for piece in pieces if piece.geom_type in ("Polygon", "MultiPolygon") and not piece.is_empty
    ]


DEFECTS = [
    Defect("grid_code_short", 0.0012, "grid_code", changing("grid_code", lambda code: code[:-1])),
    Defect("grid_code_missing", 0.0006, "grid_code", setting("grid_code", "")),
    Defect(
        "village_unknown", 0.0010, "village_code", one_of("village_code", ["341602999999", "341623888001"])
    ),
    Defect("area_negative", 0.0008, "area_m2", changing("area_m2", lambda area: -area)),
    Defect("centre_swapped", 0.0008, "centre_lon", changing("centre_lon", lambda lon: round(lon - 82.4, 6))),
    Defect("sent_twice", 0.0008, "grid_code", None),
]


def grid_delivery(ledger: Ledger) -> Content:
    """The register of unit grids as GeoJSON polygons."""
    rows = _rows(ledger.seed, grids_of(ledger))
    truth = plant(
        ledger.seed, "unit_grid", rows, np.arange(len(rows)), lambda row: str(row["grid_code"]), DEFECTS
    )
    return geojson_of_rows(rows), len(rows), truth


def _rows(seed: int, grids: Grids) -> list[Row]:
    villages = load_villages()
    luck = uniform(seed, "grid/kind", np.arange(len(grids.codes)))
    rounded = shapely.set_precision(grids.cells, 1e-6)
    rows = []
    for place, (code, village) in enumerate(zip(grids.codes.tolist(), grids.villages.tolist(), strict=True)):
        bounds = KIND_BOUNDS["社区" in str(villages.names[village])]
        rows.append(
            {
                "grid_code": code,
                "grid_name": f"{villages.names[village]}第{int(code[-3:])}网格",
                "village_code": str(villages.codes[village]),
                "grid_kind": KINDS[int(np.searchsorted(bounds, luck[place]))],
                "area_m2": int(grids.areas[place]),
                "centre_lon": float(grids.longitudes[place]),
                "centre_lat": float(grids.latitudes[place]),
                "worker_team": f"{villages.township_names[village]}网格{1 + place % 4}组",
                "since": "2024-01-01",
                "geometry": shapely.geometry.mapping(rounded[place]),
            }
        )
    return rows
