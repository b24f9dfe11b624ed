"""Polygons and scenes as the warehouse has them, and what was found, written down for rules and people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from citybrain.vision.satellite.rule import ZoneKind

_ZONES: dict[ZoneKind, str] = {
    "management_line": """
SELECT 'management_line' AS kind, section_id AS zone_id, section_name AS name, county_code AS area_code,
    geojson::jsonb AS polygon, origin
FROM marts.dim_management_line ORDER BY section_id
""",
    "county": """
SELECT 'county' AS kind, area_code AS zone_id, name, area_code, geojson_wgs84 AS polygon, 'real' AS origin
FROM meta.area_outline ORDER BY area_code
""",
}
_SCENES = """
SELECT scene_id, acquired_at, quarter_start AS quarter, crs, west::double precision, south::double precision,
    east::double precision, north::double precision, origin, object_key, loaded_at
FROM marts.dim_satellite_scene
WHERE clear_share > 0 ORDER BY acquired_at, scene_id
"""
_LOOKED_AT = """
SELECT quarter, min(looked_at) FROM meta.satellite_look WHERE superseded_at IS NULL GROUP BY quarter
"""
_SUPERSEDE = (
    """
UPDATE meta.satellite_change SET superseded_at = now()
WHERE superseded_at IS NULL AND zone_kind = %(kind)s AND zone_id = %(zone)s AND quarter = %(quarter)s
""",
    """
UPDATE meta.satellite_look SET superseded_at = now()
WHERE superseded_at IS NULL AND zone_kind = %(kind)s AND zone_id = %(zone)s AND quarter = %(quarter)s
""",
)
_ADD_LOOK = """
INSERT INTO meta.satellite_look (zone_kind, zone_id, zone_name, quarter_before, quarter, outcome,
    compared_share, changes, scenes_before, scenes, origin)
VALUES (%(kind)s, %(zone)s, %(name)s, %(quarter_before)s, %(quarter)s, %(outcome)s, %(compared_share)s,
    %(changes)s, %(scenes_before)s, %(scenes)s, %(origin)s)
RETURNING satellite_look_id
"""
_ADD_CHANGE = """
INSERT INTO meta.satellite_change (key, satellite_look_id, zone_kind, zone_id, zone_name, area_code, kind,
    quarter_before, quarter, before_at, observed_at, area_m2, pixels, ndvi_before, ndvi_after, score, lon,
    lat, geojson, evidence, detail, origin)
VALUES (%(key)s, %(look)s, %(zone_kind)s, %(zone)s, %(name)s, %(area_code)s, %(kind)s, %(quarter_before)s,
    %(quarter)s, %(before_at)s, %(observed_at)s, %(area_m2)s, %(pixels)s, %(ndvi_before)s, %(ndvi_after)s,
    %(score)s, %(lon)s, %(lat)s, %(geojson)s, %(evidence)s, %(detail)s, %(origin)s)
"""


class NoScenesError(LookupError):
    """The warehouse was not built yet: there are no scenes or no polygons."""


@dataclass(frozen=True)
class Zone:
    """A polygon that is watched, GeoJSON in WGS84."""

    kind: ZoneKind
    zone_id: str
    name: str
    area_code: str | None
    polygon: dict[str, Any]
    origin: str


@dataclass(frozen=True)
class Scene:
    """A scene of the lake; its bounds are WGS84 degrees, `quarter` its first day."""

    scene_id: str
    acquired_at: datetime
    quarter: date
    crs: str
    west: float
    south: float
    east: float
    north: float
    origin: str
    object_key: str
    loaded_at: datetime


@dataclass(frozen=True)
class Change:
    """A row of `meta.satellite_change`, without what it shares with its look."""

    key: str
    kind: str
    before_at: datetime
    observed_at: datetime
    area_m2: float
    pixels: int
    ndvi_before: float
    ndvi_after: float
    score: float
    lon: float
    lat: float
    geojson: dict[str, Any]
    evidence: Sequence[dict[str, Any]]
    detail: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """A polygon compared; `outcome` is changed, unchanged or not_comparable."""

    zone: Zone
    quarter_before: date
    quarter: date
    outcome: str
    compared_share: float
    scenes_before: Sequence[str]
    scenes: Sequence[str]
    origin: str
    changes: Sequence[Change]


def zones(connection: psycopg.Connection, kinds: Sequence[ZoneKind]) -> list[Zone]:
    """Raises NoScenesError."""
    found: list[Zone] = []
    try:
        for kind in kinds:
            with connection.cursor(row_factory=class_row(Zone)) as cursor:
                found += cursor.execute(_ZONES[kind].encode()).fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise NoScenesError("marts.dim_management_line is not there: build the warehouse first") from error
    return found


def scenes(connection: psycopg.Connection) -> list[Scene]:
    """Every scene with a clear pixel, the earliest first. Raises NoScenesError."""
    try:
        with connection.cursor(row_factory=class_row(Scene)) as cursor:
            return cursor.execute(_SCENES).fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise NoScenesError("marts.dim_satellite_scene is not there: build the warehouse first") from error


def looked_at(connection: psycopg.Connection) -> dict[date, datetime]:
    """When each quarter was last looked at."""
    return dict(connection.execute(_LOOKED_AT).fetchall())


def settle(connection: psycopg.Connection, look: Look) -> None:
    """Write a look and its changes in place of those of the same polygon and quarter, in one transaction."""
    zone = look.zone
    shared = {
        "kind": zone.kind,
        "zone": zone.zone_id,
        "name": zone.name,
        "quarter_before": look.quarter_before,
        "quarter": look.quarter,
        "origin": look.origin,
    }
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        for statement in _SUPERSEDE:
            cursor.execute(statement.encode(), shared)
        row = cursor.execute(
            _ADD_LOOK,
            shared
            | {
                "outcome": look.outcome,
                "compared_share": look.compared_share,
                "changes": len(look.changes),
                "scenes_before": list(look.scenes_before),
                "scenes": list(look.scenes),
            },
        ).fetchone()
        assert row is not None  # noqa: S101 - RETURNING gives the row
        for change in look.changes:
            own = {name: getattr(change, name) for name in Change.__dataclass_fields__}
            own |= {name: Jsonb(own[name]) for name in ("geojson", "evidence", "detail")}
            cursor.execute(
                _ADD_CHANGE,
                shared
                | {"zone_kind": zone.kind, "area_code": zone.area_code, "look": row["satellite_look_id"]}
                | own,
            )
