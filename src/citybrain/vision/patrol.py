"""A round over all cameras: asked for here, done by the workers, told in figures."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from citybrain.settings import DatabaseRole, Settings
from citybrain.vision.cameras import cameras_of
from citybrain.vision.detector_file import Detector
from citybrain.vision.heartbeat import live_workers
from citybrain.vision.timetable import newest_ticks
from citybrain.vision.work_list import ask_for_looks
from citybrain.warehouse.connection import connect

POLL_SECONDS = 0.5

_OPEN = """
SELECT count(*) FROM vision.look_request
WHERE detector = %s AND due_at = %s AND state IN ('pending', 'claimed')
"""
_NEWEST_DUE = "SELECT max(due_at) FROM vision.look_request WHERE detector = %s"
_OUTCOMES = """
SELECT outcome, count(*), sum(signals), sum(seconds) FROM vision.round
WHERE detector = %s AND at = %s GROUP BY outcome
"""
_STATES = "SELECT state, count(*) FROM vision.look_request WHERE detector = %s AND due_at = %s GROUP BY state"
_WAITING = "SELECT count(*) FROM vision.look_request WHERE state IN ('pending', 'claimed')"
_PHOTOS_WAITING = "SELECT count(*) FROM vision.recheck WHERE state = 'pending'"
_NEWEST_LOOKS = """
SELECT camera_id, at, still_at, outcome, reason, boxes, signals, seconds, weights, device FROM vision.round
WHERE detector = %(detector)s AND (%(camera)s::text IS NULL OR camera_id = %(camera)s)
ORDER BY at DESC, camera_id LIMIT %(most)s
"""
_OUTCOME_NAMES = ("clean", "occupied", "unusable", "missing")


class NoWorkerError(RuntimeError):
    """Looks wait and no vision worker is running."""


@dataclass(frozen=True)
class Sweep:
    """The cameras one round is about. `without_zone` are in the register, but nobody drew a zone for them;
    `unknown` have a zone, but the register does not know them.
    """

    detector: str
    due_at: datetime
    cameras: list[str]
    without_zone: list[str]
    unknown: list[str]


def plan_sweep(
    connection: psycopg.Connection, detector: Detector, due_at: datetime, only: Collection[str] = ()
) -> Sweep:
    """Which cameras a round would look at. Raises NoCamerasError."""
    known = [camera.camera_id for camera in cameras_of(connection, detector.scenario)]
    asked = [camera_id for camera_id in known if not only or camera_id in only]
    with_zone = [camera_id for camera_id in asked if detector.zones(camera_id)]
    without = [camera_id for camera_id in asked if not detector.zones(camera_id)]
    unknown = sorted(set(detector.cameras) - set(known)) if not only else sorted(set(only) - set(known))
    return Sweep(detector.id, due_at, with_zone, without, unknown)


def request_looks(
    settings: Settings, detector: Detector, due_at: datetime, only: Collection[str] = ()
) -> Sweep:
    """Ask for a look at every camera with a zone; a round that was asked for before is not asked for twice.

    Raises NoCamerasError.
    """
    with connect(settings, DatabaseRole.WATCHER, "citybrain patrol", autocommit=True) as city:
        sweep = plan_sweep(city, detector, due_at, only)
        ask_for_looks(city, detector.id, sweep.cameras, due_at)
    return sweep


def wait_for_looks(
    settings: Settings, detector: Detector, due_at: datetime, timeout: timedelta
) -> dict[str, Any]:
    """Wait until the workers have done a round; its figures.

    Raises NoWorkerError when none runs, TimeoutError when the round takes longer than `timeout`.
    """
    until = time.monotonic() + timeout.total_seconds()
    with connect(settings, DatabaseRole.WATCHER, "citybrain patrol", autocommit=True) as city:
        while waiting := _count(city, _OPEN, detector.id, due_at):
            if time.monotonic() >= until:
                if not live_workers(city):
                    raise NoWorkerError(f"{waiting} looks wait and no vision worker is running")
                raise TimeoutError(f"{waiting} looks of {due_at.isoformat()} wait after {timeout}")
            time.sleep(POLL_SECONDS)
        return figures(city, detector, due_at)


def figures(connection: psycopg.Connection, detector: Detector, due_at: datetime) -> dict[str, Any]:
    """One round in figures: looks by outcome, signals, failed looks, seconds of work."""
    terms = (detector.id, due_at)
    by_outcome = {row[0]: row[1:] for row in connection.execute(_OUTCOMES, terms)}
    by_state: dict[str, int] = dict(connection.execute(_STATES, terms).fetchall())
    counts = {name: by_outcome[name][0] if name in by_outcome else 0 for name in _OUTCOME_NAMES}
    return {
        "detector": detector.id,
        "due_at": due_at.isoformat(),
        "looks": sum(counts.values()),
        **counts,
        "failed": by_state.get("failed", 0),
        "superseded": by_state.get("superseded", 0),
        "skipped": by_state.get("skipped", 0),
        "signals": int(sum(row[1] for row in by_outcome.values())),
        "seconds": round(sum(row[2] for row in by_outcome.values()), 3),
    }


def rounds_due(settings: Settings, detector: Detector, moment: datetime, first: int) -> list[datetime]:
    """The rounds to ask for at an aware `moment`: the newest one that was due, none when it was asked for;
    the newest `first` ones when there was never a round, so that what stands there is seen to stand.

    None as long as no camera has a zone. Raises NoCamerasError.
    """
    with connect(settings, DatabaseRole.WATCHER, "citybrain patrol", autocommit=True) as city:
        if not plan_sweep(city, detector, moment).cameras:
            return []
        row = city.execute(_NEWEST_DUE, (detector.id,)).fetchone()
    newest = row[0] if row is not None else None
    if newest is None:
        return newest_ticks(detector.schedule, moment, first)
    return [tick for tick in newest_ticks(detector.schedule, moment, 1) if tick > newest]


def _count(connection: psycopg.Connection, query: str, *terms: object) -> int:
    row = connection.execute(query.encode(), terms).fetchone()
    return int(row[0]) if row is not None else 0


def newest_looks(
    connection: psycopg.Connection, detector_id: str, camera_id: str | None, most: int
) -> list[dict[str, Any]]:
    """The newest looks of a detector, at one camera or at all of them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        terms = {"detector": detector_id, "camera": camera_id, "most": most}
        return cursor.execute(_NEWEST_LOOKS, terms).fetchall()


def patrol_status(connection: psycopg.Connection, detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """Live workers, waiting looks and photos, and the figures of each detector's newest round."""
    newest = {
        detector_id: row[0]
        for detector_id in detectors
        if (row := connection.execute(_NEWEST_DUE, (detector_id,)).fetchone()) and row[0] is not None
    }
    return {
        "workers": [worker.worker for worker in live_workers(connection)],
        "waiting": _count(connection, _WAITING),
        "photos_waiting": _count(connection, _PHOTOS_WAITING),
        "newest": [figures(connection, detectors[name], due_at) for name, due_at in newest.items()],
    }
