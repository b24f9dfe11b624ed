"""Fixed points of datasets (air stations) and the county around each: geometry is shapely's, not SQL's.

Reads the newest positions from raw and the outlines from meta.area_outline; writes meta.point_area.
"""

import json
from typing import NamedTuple

import numpy as np
import psycopg
from psycopg import sql
from shapely import STRtree
from shapely.geometry import Point, shape

from citybrain.catalogue import Dataset, gcj02_to_wgs84, usable_datasets
from citybrain.settings import Settings

UPSERT = """
INSERT INTO meta.point_area AS known (dataset, point_code, longitude, latitude, county_code)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (dataset, point_code) DO UPDATE SET
    longitude = excluded.longitude, latitude = excluded.latitude, county_code = excluded.county_code,
    located_at = now()
WHERE (known.longitude, known.latitude, known.county_code)
    IS DISTINCT FROM (excluded.longitude, excluded.latitude, excluded.county_code)
"""


class _Position(NamedTuple):
    code: str
    longitude: float
    latitude: float


class _Counties:
    """The counties' outlines in one tree."""

    def __init__(self, connection: psycopg.Connection) -> None:
        rows = connection.execute("SELECT area_code, geojson_wgs84::text FROM meta.area_outline").fetchall()
        self._codes = [code for code, _ in rows]
        self._tree = STRtree([shape(json.loads(geometry)) for _, geometry in rows])

    def around(self, position: _Position) -> str | None:
        """The county that covers the position; the first by code on a shared border."""
        found = self._tree.query(Point(position.longitude, position.latitude), predicate="intersects")
        return min((self._codes[place] for place in found), default=None)


def locate_points(connection: psycopg.Connection, settings: Settings) -> int:
    """Bring meta.point_area up to date for every dataset of points. Returns how many rows changed."""
    counties = _Counties(connection)
    changed = 0
    for dataset in usable_datasets(settings).values():
        if dataset.geometry_column is None or dataset.delivers != "increment":
            continue
        for position in _positions(connection, dataset):
            row = (dataset.id, *position, counties.around(position))
            changed += connection.execute(UPSERT, row).rowcount
    return changed


def _positions(connection: psycopg.Connection, dataset: Dataset) -> list[_Position]:
    """The newest position of each point, in WGS84; none when the raw table is not there yet."""
    exists = connection.execute("SELECT to_regclass(%s)", (f"raw.{dataset.id}",)).fetchone()
    if exists is None or exists[0] is None:
        return []
    code, geometry = sql.Identifier(dataset.key[0]), sql.Identifier(str(dataset.geometry_column))
    query = sql.SQL(
        "SELECT DISTINCT ON ({code}) {code}, {geometry} FROM {table} JOIN meta.batch ON _batch_id = batch_id"
        " WHERE {code} IS NOT NULL AND {geometry} IS NOT NULL"
        " ORDER BY {code}, coalesce(newest_version, source_version) DESC, _batch_id DESC, _line DESC"
    ).format(code=code, geometry=geometry, table=sql.Identifier("raw", dataset.id))
    positions = []
    for point_code, text in connection.execute(query):
        point = shape(json.loads(text))
        if point.geom_type != "Point" or point.is_empty:
            continue
        longitude, latitude = point.x, point.y
        if dataset.src_crs == "GCJ-02":
            longitude, latitude = gcj02_to_wgs84(np.array([[longitude, latitude]]))[0].tolist()
        positions.append(_Position(str(point_code), longitude, latitude))
    return positions
