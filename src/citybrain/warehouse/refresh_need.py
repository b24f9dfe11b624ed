"""Is there anything to build: did a batch load or the project change since the last good build?"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

BUILT_FROM = ("models", "macros", "seeds", "snapshots", "tests", "analyses")
"""Folders of the dbt project; `target/`, `logs/` and `dbt_packages/` are what a build leaves behind."""

BUILD_LOCK = "citybrain transform"
"""Name of the session lock that a build holds from before it reads until its outcome is noted."""

LAST_GOOD_BUILD = """
SELECT started_at, project_sha256, batches_loaded FROM meta.transform_run
WHERE outcome = 'succeeded' AND selection IS NULL AND command = 'build'
ORDER BY transform_run_id DESC LIMIT 1
"""
NEWEST_BUILD = "SELECT coalesce(max(transform_run_id), 0) FROM meta.transform_run"
LOADED = "SELECT count(*) FROM meta.batch WHERE state = 'loaded'"
NOTE = """
UPDATE meta.transform_run SET project_sha256 = %s, batches_loaded = %s
WHERE transform_run_id = (SELECT max(transform_run_id) FROM meta.transform_run WHERE command = 'build')
    AND outcome = 'succeeded' AND selection IS NULL
"""


class BuiltFrom(NamedTuple):
    """What a build is made from. Loaded is a batch's last state, so their number alone tells old from new.

    Times would not: a batch may settle before a build starts and be visible only after the build has read.
    """

    project_sha256: str
    batches_loaded: int


def _inputs(settings: Settings) -> list[Path]:
    project = [path for folder in BUILT_FROM for path in (settings.dbt_dir / folder).rglob("*")]
    files = [*project, *settings.dbt_dir.glob("*.yml"), *settings.sources_dir.glob("*.yml")]
    return sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts)


def project_hash(settings: Settings) -> str:
    """SHA-256, in hexadecimal, over names and bytes of the dbt project's files and of the source files."""
    digest = hashlib.sha256()
    for path in _inputs(settings):
        digest.update(path.relative_to(settings.project).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _loaded(connection: psycopg.Connection) -> int:
    row = connection.execute(LOADED).fetchone()
    assert row is not None  # noqa: S101 - count(*) without GROUP BY is one row
    return int(row[0])


def built_from(settings: Settings) -> BuiltFrom:
    """What a build that starts now is made from, at least. Raises psycopg.Error."""
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        return BuiltFrom(project_hash(settings), _loaded(connection))


def newest_build(settings: Settings) -> int:
    """The newest build, which may have changed a mart; 0 before the first. Raises psycopg.Error."""
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        row = connection.execute(NEWEST_BUILD).fetchone()
    return int(row[0]) if row else 0


def note_built_from(settings: Settings, inputs: BuiltFrom) -> None:
    """Note on the newest build, when it is a good one of everything, what it was made of.

    `inputs` were taken before the build: what changed meanwhile counts as new. Not for a retry, which leaves
    alone what had worked before. Raises psycopg.Error.
    """
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        connection.execute(NOTE, inputs)


def wait_for_build(settings: Settings, longest: timedelta) -> None:
    """Return when no build is running. Raises psycopg.errors.LockNotAvailable after `longest`."""
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        milliseconds = f"{int(longest.total_seconds() * 1000)}"
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [milliseconds])
        connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext(%s))", [BUILD_LOCK])


def why_build(settings: Settings) -> str | None:
    """Why the warehouse should be built now, in one line for a log; None when a build would change nothing.

    Nothing was ever loaded: None too. Raises psycopg.Error.
    """
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        loaded = _loaded(connection)
        last = connection.execute(LAST_GOOD_BUILD).fetchone()
    if loaded == 0:
        return None
    if last is None:
        return f"no good build yet, {loaded} batches loaded"
    started_at, project_sha256, batches_loaded = last
    since = f"since the good build of {started_at:%Y-%m-%d %H:%M:%S}"
    if batches_loaded is None:
        return f"nobody noted what the good build of {started_at:%Y-%m-%d %H:%M:%S} was made from"
    if loaded != batches_loaded:
        return f"{loaded - batches_loaded} batches loaded {since}"
    if project_sha256 != project_hash(settings):
        return f"the dbt project or a source file changed {since}"
    return None
