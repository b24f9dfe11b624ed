"""The cameras of a scenario, as the newest register in the warehouse has them."""

from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

_CAMERAS = """
SELECT camera_id, camera_name, coalesce(compound_id, camera_id) AS place_id,
       coalesce(compound_name, camera_name) AS place_name,
       coalesce(c.area_code, left(camera_id, 6)) AS area_code, c.lon, c.lat, snapshot_url, c.origin
FROM marts.dim_camera AS c LEFT JOIN marts.dim_compound USING (compound_id)
WHERE c.scenario = %s AND c.enabled AND (%s::text IS NULL OR camera_id = %s)
ORDER BY camera_id
"""


@dataclass(frozen=True)
class Camera:
    """A camera that may be looked at: its place is its compound, or itself where it watches a street.

    `lon` and `lat` are WGS84 degrees, `origin` is real or synthetic.
    """

    camera_id: str
    camera_name: str
    place_id: str
    place_name: str
    area_code: str
    lon: Decimal | None
    lat: Decimal | None
    snapshot_url: str
    origin: str


class NoCamerasError(LookupError):
    """The warehouse was not built yet: there is no register of cameras."""


def cameras_of(connection: psycopg.Connection, scenario: str) -> list[Camera]:
    """The enabled cameras in order of their ids. Raises NoCamerasError."""
    return _select(connection, scenario, None)


def camera(connection: psycopg.Connection, scenario: str, camera_id: str) -> Camera | None:
    """One camera; None when it was switched off or taken from the register. Raises NoCamerasError."""
    found = _select(connection, scenario, camera_id)
    return found[0] if found else None


def _select(connection: psycopg.Connection, scenario: str, camera_id: str | None) -> list[Camera]:
    try:
        with connection.cursor(row_factory=class_row(Camera)) as cursor:
            return cursor.execute(_CAMERAS, (scenario, camera_id, camera_id)).fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise NoCamerasError("marts.dim_camera is not there: build the warehouse first") from error
