"""Which vision workers are alive: each writes the time into its row between two looks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

ALIVE_WITHIN = timedelta(minutes=2)  # a look takes seconds; a lease is this long, too

_BEAT = """
INSERT INTO vision.worker (worker, looks, rechecks) VALUES (%s, %s, %s)
ON CONFLICT (worker) DO UPDATE SET beat_at = now(), looks = EXCLUDED.looks, rechecks = EXCLUDED.rechecks
"""
_SWEEP = "DELETE FROM vision.worker WHERE beat_at < now() - interval '1 day'"
_ALIVE = """
SELECT worker, started_at, beat_at, looks, rechecks FROM vision.worker
WHERE beat_at > now() - %s ORDER BY started_at
"""


@dataclass(frozen=True)
class LiveWorker:
    """A worker and what it has done since `started_at`."""

    worker: str
    started_at: datetime
    beat_at: datetime
    looks: int
    rechecks: int


def beat(connection: psycopg.Connection, worker: str, looks: int, rechecks: int) -> None:
    connection.execute(_BEAT, (worker, looks, rechecks))
    connection.execute(_SWEEP)


def leave(connection: psycopg.Connection, worker: str) -> None:
    connection.execute("DELETE FROM vision.worker WHERE worker = %s", (worker,))


def live_workers(connection: psycopg.Connection) -> list[LiveWorker]:
    with connection.cursor(row_factory=class_row(LiveWorker)) as cursor:
        return cursor.execute(_ALIVE, (ALIVE_WITHIN,)).fetchall()
