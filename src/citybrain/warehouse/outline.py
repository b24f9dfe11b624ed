"""Outlines of counties for maps: the newest delivered boundaries, in WGS84, valid and light.

Geometry is shapely's work, done here once; SQL joins the stored code. Simplified outlines keep shared borders
shared. Centroids are planar in degrees, good for placing a label. Areas are of the delivered outline on the
WGS84 ellipsoid (authalic latitude), exact to about 0.01 % for edges of a few kilometres.
"""

import json
import logging
from dataclasses import dataclass

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql
from psycopg.types.json import Jsonb
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from citybrain.catalogue import dataset_files, gcj02_to_wgs84, load_areas, load_dataset
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

BOUNDARIES = "county_boundary"
SIMPLIFY_DEGREES = 0.001  # about 100 m, the error of the delivered outlines themselves
DECIMALS = 6

SEMI_MAJOR_AXIS_KM = 6378.137
ECCENTRICITY = 0.0818191908426215

UPSERT = """
INSERT INTO meta.area_outline AS known
    (area_code, name, geojson_wgs84, centroid_lon, centroid_lat, area_km2, src_crs, batch_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (area_code) DO UPDATE SET
    name = excluded.name, geojson_wgs84 = excluded.geojson_wgs84, centroid_lon = excluded.centroid_lon,
    centroid_lat = excluded.centroid_lat, area_km2 = excluded.area_km2, src_crs = excluded.src_crs,
    batch_id = excluded.batch_id, updated_at = now()
WHERE (known.name, known.geojson_wgs84, known.centroid_lon, known.centroid_lat, known.area_km2, known.src_crs,
       known.batch_id)
    IS DISTINCT FROM
      (excluded.name, excluded.geojson_wgs84, excluded.centroid_lon, excluded.centroid_lat, excluded.area_km2,
       excluded.src_crs, excluded.batch_id)
"""

log = logging.getLogger(__name__)


class OutlineError(ValueError):
    """A delivered outline cannot be drawn; the message names the county and the reason."""


@dataclass(frozen=True)
class Outline:
    """One county in WGS84: what maps draw, a place for its label, and its area."""

    area_code: str
    name: str
    geometry: BaseGeometry
    centroid: tuple[float, float]
    area_km2: float


def refresh_outlines(settings: Settings) -> int:
    """Bring meta.area_outline up to the newest loaded boundaries. Returns how many rows changed.

    Counties the newest delivery does not have are removed. Raises OutlineError, leaving the table as it was.
    """
    path = next(path for path in dataset_files(settings) if path.stem == BOUNDARIES)
    src_crs = load_dataset(path).src_crs or "EPSG:4326"
    with connect(settings, DatabaseRole.LOADER, "citybrain outlines") as connection:
        delivered = _newest_delivery(connection)
        if delivered is None:
            return 0
        batch_id, rows = delivered
        outlines = outlines_of(rows, src_crs)
        changed = 0
        for outline in outlines:
            row = (
                outline.area_code,
                outline.name,
                Jsonb(mapping(outline.geometry)),
                *outline.centroid,
                outline.area_km2,
                src_crs,
                batch_id,
            )
            changed += connection.execute(UPSERT, row).rowcount
        gone = connection.execute(
            "DELETE FROM meta.area_outline WHERE area_code <> ALL (%s)",
            ([outline.area_code for outline in outlines],),
        )
        return changed + gone.rowcount


def _newest_delivery(connection: psycopg.Connection) -> tuple[int, dict[str, str]] | None:
    """The newest batch of boundaries and its GeoJSON texts by county name; None when there is none."""
    exists = connection.execute("SELECT to_regclass(%s)", (f"raw.{BOUNDARIES}",)).fetchone()
    if exists is None or exists[0] is None:
        return None
    table = sql.Identifier("raw", BOUNDARIES)
    newest = connection.execute(
        sql.SQL(
            "SELECT _batch_id FROM {} JOIN meta.batch ON _batch_id = batch_id"
            " ORDER BY _logical_date DESC, source_version DESC, _batch_id DESC LIMIT 1"
        ).format(table)
    ).fetchone()
    if newest is None:
        return None
    rows = connection.execute(
        sql.SQL("SELECT name, geometry FROM {} WHERE _batch_id = %s ORDER BY _line").format(table), newest
    )
    return newest[0], {str(name): str(geometry) for name, geometry in rows}


def outlines_of(delivered: dict[str, str], src_crs: str) -> list[Outline]:
    """Outlines in WGS84 from GeoJSON texts by county name. A name of no county is left out with a warning.

    Raises OutlineError for a text that is not GeoJSON of a polygon with an area.
    """
    codes = {county.zh: county.code for county in load_areas().counties}
    for stranger in delivered.keys() - codes.keys():
        log.warning("outline of %r left out: no county of the catalogue has this name", stranger)
    names = sorted(delivered.keys() & codes.keys(), key=lambda name: codes[name])
    exact = [_polygonal(name, delivered[name], src_crs) for name in names]
    # One call over all of them: a border simplified twice would be two borders.
    light = shapely.set_precision(
        shapely.coverage_simplify(np.array(exact, dtype=object), SIMPLIFY_DEGREES), 10.0**-DECIMALS
    )
    return [
        Outline(
            area_code=codes[name],
            name=name,
            geometry=_rounded(drawn),
            centroid=(round(whole.centroid.x, DECIMALS), round(whole.centroid.y, DECIMALS)),
            area_km2=round(area_km2(whole), 2),
        )
        for name, whole, drawn in zip(names, exact, light, strict=True)
    ]


def _rounded(geometry: BaseGeometry) -> BaseGeometry:
    """Coordinates with no digits beyond DECIMALS in their shortest text."""
    return shapely.transform(geometry, lambda points: np.round(points, DECIMALS))


def _polygonal(name: str, text: str, src_crs: str) -> BaseGeometry:
    """One outline in WGS84 as a valid polygon or multipolygon."""
    try:
        geometry = shapely.from_geojson(json.dumps(json.loads(text)))
    except (ValueError, shapely.GEOSException) as error:
        raise OutlineError(f"{name}: not a GeoJSON geometry: {error}") from error
    if src_crs == "GCJ-02":
        geometry = shapely.transform(geometry, gcj02_to_wgs84)
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    if valid.is_empty or valid.geom_type not in ("Polygon", "MultiPolygon"):
        raise OutlineError(f"{name}: a {geometry.geom_type} has no area to draw")
    return shapely.orient_polygons(valid)


def _authalic_sine(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ellipsoid's surface between equator and latitude, a radian wide, over half the squared axis."""
    sine = np.sin(np.radians(latitude))
    bulge = ECCENTRICITY * sine
    surface: NDArray[np.float64] = (1 - ECCENTRICITY**2) * (
        sine / (1 - bulge**2) + np.arctanh(bulge) / ECCENTRICITY
    )
    return surface


def area_km2(geometry: BaseGeometry) -> float:
    """The area of a WGS84 polygon or multipolygon on the ellipsoid, km²; holes are taken away."""
    total = 0.0
    for polygon in shapely.get_parts(shapely.orient_polygons(geometry)):
        for ring in (polygon.exterior, *polygon.interiors):
            points = shapely.get_coordinates(ring)
            east, height = np.radians(points[:, 0]), _authalic_sine(points[:, 1])
            # Between two corners the meridian strip down to the equator; holes run the other way round.
            total -= float(np.sum(np.diff(east) * (height[1:] + height[:-1]) / 2))
    return abs(total) * SEMI_MAJOR_AXIS_KM**2 / 2
