"""Distances of vehicles' points, measured when a batch was loaded: geometry by shapely, not by SQL.

Each point is written once with its distance from the vehicle's approved line and from the nearest approved
place; rules then read them as they read any reading.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql

from citybrain.sensing.rows import outline_of
from citybrain.sensing.rule_file import RuleFile
from citybrain.sensing.rule_parts import Condition, Place, Tracks
from citybrain.sensing.statement import Statement
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

Connection = psycopg.Connection[Any]
METRES_A_DEGREE = 111_320.0  # of latitude
AT_ONCE = 200_000  # points measured in one call

WAITING = """
SELECT b.batch_id, b.source_version FROM meta.batch AS b
WHERE b.dataset = %s AND b.state = 'loaded' AND b.expired_at IS NULL
    AND NOT EXISTS (SELECT FROM sensing.measured_batch AS m WHERE m.batch_id = b.batch_id)
ORDER BY b.batch_id
"""
POINTS = """
SELECT {subject}, {at}, ({longitude})::double precision, ({latitude})::double precision,
    ({speed})::double precision, {engine_on}
FROM {table} WHERE _batch_id = %(batch)s AND {subject} IS NOT NULL AND {at} IS NOT NULL
    AND {longitude} IS NOT NULL AND {latitude} IS NOT NULL AND {at} > (
        SELECT coalesce(max(observed_at) - %(keep)s, '-infinity') FROM sensing.track_point
        WHERE dataset = %(dataset)s)
"""
STAGED = """
CREATE TEMP TABLE measured (subject text, observed_at timestamptz, longitude double precision,
    latitude double precision, speed_kmh double precision, engine_on boolean,
    off_corridor_m double precision, off_place_m double precision) ON COMMIT DROP
"""
# Stamped by the statement, not by the transaction, which may have waited for another's end: what is committed
# later has a later stamp. Of a point told twice the newest version counts, of equal ones what they say.
WRITE = """
INSERT INTO sensing.track_point AS t (dataset, subject, observed_at, longitude, latitude, speed_kmh,
    engine_on, off_corridor_m, off_place_m, source_version, batch_id, measured_at)
SELECT DISTINCT ON (subject, observed_at) %(dataset)s, subject, observed_at, longitude, latitude, speed_kmh,
    engine_on, off_corridor_m, off_place_m, %(version)s, %(batch)s,
    statement_timestamp()
FROM pg_temp.measured
ORDER BY subject, observed_at, longitude DESC, latitude DESC, speed_kmh DESC, engine_on DESC
ON CONFLICT (dataset, subject, observed_at) DO UPDATE SET
    longitude = excluded.longitude, latitude = excluded.latitude, speed_kmh = excluded.speed_kmh,
    engine_on = excluded.engine_on, off_corridor_m = excluded.off_corridor_m,
    off_place_m = excluded.off_place_m, source_version = excluded.source_version,
    batch_id = excluded.batch_id, measured_at = excluded.measured_at
WHERE (excluded.source_version, excluded.longitude, excluded.latitude, excluded.speed_kmh, excluded.engine_on)
    > (t.source_version, t.longitude, t.latitude, t.speed_kmh, t.engine_on)
"""


def measure(settings: Settings, file: RuleFile) -> int:
    """Measure the points of every loaded batch that was not measured; the number of points. One transaction a
    batch, so nothing is measured half.

    Raises psycopg.errors.UndefinedTable while there is no register of lines.
    """
    tracks = file.tracks
    if tracks is None:
        return 0
    with connect(settings, DatabaseRole.SENSOR, "citybrain sweep", autocommit=True) as city:
        ground = Ground.of(city, tracks, file.register)
    points = 0
    with connect(settings, DatabaseRole.LOADER, "citybrain tracks", autocommit=True) as loader:
        for batch, version in loader.execute(WAITING, (tracks.dataset,)).fetchall():
            with loader.transaction():
                loader.execute("SELECT pg_advisory_xact_lock(hashtext('measure ' || %s))", (tracks.dataset,))
                points += _measure_batch(loader, tracks, ground, batch, version)
        with loader.transaction():
            _forget(loader, tracks)
    return points


class Ground:
    """Approved lines by code, the line of each vehicle, approved places; all in metres on one plane."""

    def __init__(
        self, lines: dict[str, shapely.Geometry], line_of: dict[str, str], places: list[shapely.Geometry]
    ) -> None:
        latitudes = [geometry.centroid.y for geometry in [*lines.values(), *places]]
        self._shrink = float(np.cos(np.radians(np.mean(latitudes)))) if latitudes else 1.0
        self._lines = {code: self._flat(line) for code, line in lines.items()}
        self._line_of = line_of
        self._places = shapely.STRtree([self._flat(place) for place in places])

    @classmethod
    def of(cls, city: Connection, tracks: Tracks, place: Place) -> "Ground":
        query = sql.SQL("SELECT ({})::text, ({})::text FROM {}").format(
            sql.Identifier(place.subject),
            sql.Identifier(tracks.line_of_vehicle),
            sql.Identifier(*place.relation.split(".")),
        )
        line_of = {vehicle: line for vehicle, line in city.execute(query) if line}
        places = _outlines(city, tracks, tracks.places)
        return cls(_outlines(city, tracks, tracks.lines), line_of, list(places.values()))

    def off_line(self, subject: str, points: NDArray[Any]) -> NDArray[np.float64]:
        """Metres from the vehicle's line; NaN for a vehicle without one."""
        line = self._lines.get(self._line_of.get(subject, ""))
        if line is None:
            return np.full(len(points), np.nan)
        shapely.prepare(line)
        distances: NDArray[np.float64] = shapely.distance(points, line)
        return distances

    def off_place(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Metres from the nearest place; NaN when there is none."""
        if not len(self._places.geometries):
            return np.full(len(points), np.nan)
        nearest = self._places.nearest(points)
        distances: NDArray[np.float64] = shapely.distance(points, self._places.geometries[nearest])
        return distances

    def points(self, longitudes: NDArray[Any], latitudes: NDArray[Any]) -> NDArray[Any]:
        flat: NDArray[Any] = shapely.points(
            longitudes * METRES_A_DEGREE * self._shrink, latitudes * METRES_A_DEGREE
        )
        return flat

    def _flat(self, geometry: shapely.Geometry) -> shapely.Geometry:
        scale = np.array([METRES_A_DEGREE * self._shrink, METRES_A_DEGREE])
        return shapely.transform(geometry, lambda corners: corners * scale)


def _outlines(city: Connection, tracks: Tracks, tests: list[Condition]) -> dict[str, shapely.Geometry]:
    statement = Statement()
    query = sql.SQL("SELECT (i.{})::text, (i.{})::text FROM {} AS i WHERE {}").format(
        sql.Identifier(tracks.code),
        sql.Identifier(tracks.geometry),
        statement.relation(tracks.relation),
        statement.conditions(tests, {"": sql.Identifier("i")}, sql.SQL("now()")),
    )
    rows = city.execute(query, statement.parameters)
    outlines = {code: outline_of(text) for code, text in rows}
    return {code: outline for code, outline in outlines.items() if outline is not None}


def _measure_batch(loader: Connection, tracks: Tracks, ground: Ground, batch: int, version: str) -> int:
    claimed = loader.execute(
        "INSERT INTO sensing.measured_batch (batch_id, dataset, points) VALUES (%s, %s, 0)"
        " ON CONFLICT DO NOTHING",
        (batch, tracks.dataset),
    ).rowcount
    if not claimed:  # another measuring was first
        return 0
    names = {name: sql.Identifier(getattr(tracks, name)) for name in _COLUMNS}
    query = sql.SQL(POINTS).format(**names, table=sql.Identifier("raw", tracks.dataset))
    loader.execute(STAGED)
    points = loader.execute(
        query, {"batch": batch, "dataset": tracks.dataset, "keep": timedelta(days=tracks.keep_days)}
    )
    rows = points.fetchall()
    for begin in range(0, len(rows), AT_ONCE):
        _stage(loader, ground, rows[begin : begin + AT_ONCE])
    loader.execute(WRITE, {"dataset": tracks.dataset, "version": version, "batch": batch})
    loader.execute("DROP TABLE pg_temp.measured")
    loader.execute("UPDATE sensing.measured_batch SET points = %s WHERE batch_id = %s", (len(rows), batch))
    return len(rows)


_COLUMNS = ("subject", "at", "longitude", "latitude", "speed", "engine_on")


def _stage(loader: Connection, ground: Ground, rows: list[Any]) -> None:
    rows.sort(key=lambda row: row[0])
    points = ground.points(
        np.array([row[2] for row in rows], dtype=float), np.array([row[3] for row in rows], dtype=float)
    )
    off_place = ground.off_place(points)
    subjects = np.array([row[0] for row in rows], dtype=object)
    names, starts = np.unique(subjects, return_index=True)
    off_line = np.concatenate(
        [ground.off_line(name, part) for name, part in zip(names, np.split(points, starts[1:]), strict=True)]
    )
    with (
        loader.cursor() as cursor,
        cursor.copy("COPY pg_temp.measured FROM STDIN") as copy,
    ):
        for row, corridor, place in zip(rows, off_line.tolist(), off_place.tolist(), strict=True):
            copy.write_row((*row, _or_none(corridor), _or_none(place)))


def _or_none(metres: float) -> float | None:
    return None if np.isnan(metres) else round(metres, 1)


def _forget(loader: Connection, tracks: Tracks) -> None:
    """Points older than the rules look back."""
    loader.execute(
        "DELETE FROM sensing.track_point WHERE dataset = %(dataset)s AND observed_at <"
        " (SELECT max(observed_at) - %(keep)s FROM sensing.track_point WHERE dataset = %(dataset)s)",
        {"dataset": tracks.dataset, "keep": timedelta(days=tracks.keep_days)},
    )
