"""Is there anything to build: did a batch load or the project change since the last good build?

Cases, grants and matching change by the minute; the models that read them are built alone, more often, and
have a question of their own: did people or machines record anything since a build read it?
"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

BUILT_FROM = ("models", "macros", "seeds", "snapshots", "tests", "analyses")
"""Folders of the dbt project; `target/`, `logs/` and `dbt_packages/` are what a build leaves behind."""

BUILD_LOCK = "citybrain transform"
"""Name of the session lock that a build holds from before it reads until its outcome is noted."""

OPERATIONS = "source:ops+ source:policy+ source:meta.rule_score+"
"""dbt's selection of models of what people and machines record: cases, grants, matching, scores of rules."""

LAST_GOOD_BUILD = """
SELECT started_at, project_sha256, batches_loaded FROM meta.transform_run
WHERE outcome = 'succeeded' AND selection IS NULL AND command = 'build'
ORDER BY transform_run_id DESC LIMIT 1
"""
# A loaded batch counts once, and once more each time that what it says began to count anew.
LOADED = "SELECT count(*) + coalesce(sum(revision), 0) FROM meta.batch WHERE state = 'loaded'"
# Every step of a case and every decision on a grant is an entry of the ledger, in the same transaction; a
# signal that joins a standing case is not.
RECORDED = """
SELECT jsonb_build_object(
    'ledger entries', (SELECT count(*) FROM ledger.entry),
    'policy versions', (SELECT count(*) + count(withdrawn_at) FROM policy.item_version),
    'match runs', (SELECT count(*) FROM policy.match_run),
    'signals', (SELECT count(*) FROM ops.signal),
    'scores of rules', (SELECT count(*) FROM meta.rule_score)
)
"""
LAST_SEEN = """
SELECT started_at, recorded FROM meta.transform_run
WHERE outcome = 'succeeded' AND recorded IS NOT NULL ORDER BY transform_run_id DESC LIMIT 1
"""
NOTE = """
UPDATE meta.transform_run SET recorded = %(recorded)s,
    project_sha256 = CASE WHEN selection IS NULL THEN %(project_sha256)s END,
    batches_loaded = CASE WHEN selection IS NULL THEN %(batches_loaded)s END
WHERE transform_run_id = (SELECT max(transform_run_id) FROM meta.transform_run WHERE command = 'build')
    AND outcome = 'succeeded' AND (selection IS NULL OR selection = %(operations)s)
"""


class BuiltFrom(NamedTuple):
    """What a build is made from. Loaded is a batch's last state, so their number alone tells old from new.

    Times would not: a batch may settle before a build starts and be visible only after the build has read.
    What is recorded is only ever added to, so it is counted for the same reason.
    """

    project_sha256: str
    batches_loaded: int
    recorded: dict[str, int]


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


def _recorded(connection: psycopg.Connection) -> dict[str, int]:
    row = connection.execute(RECORDED).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM is one row
    counts: dict[str, int] = row[0]
    return counts


def built_from(settings: Settings) -> BuiltFrom:
    """What a build that starts now is made from, at least. Raises psycopg.Error."""
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        return BuiltFrom(project_hash(settings), _loaded(connection), _recorded(connection))


def note_built_from(settings: Settings, inputs: BuiltFrom) -> None:
    """Note on the newest build what it was made of, when it is a good one of everything or of OPERATIONS.

    `inputs` were taken before the build: what changed meanwhile counts as new. Not for a retry, which leaves
    alone what had worked before. Raises psycopg.Error.
    """
    noted: dict[str, Any] = inputs._asdict() | {
        "recorded": Jsonb(inputs.recorded),
        "operations": OPERATIONS,
    }
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        connection.execute(NOTE, noted)


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


def why_build_operations(settings: Settings) -> str | None:
    """Why the models of OPERATIONS should be built now, in one line for a log; None: it would change nothing.

    Nothing was ever built: None too, the first build builds everything. Raises psycopg.Error.
    """
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        if connection.execute(LAST_GOOD_BUILD).fetchone() is None:
            return None
        recorded = _recorded(connection)
        last = connection.execute(LAST_SEEN).fetchone()
    if last is None:
        return "nobody noted what of cases, grants and matching the last build had read"
    started_at, seen = last
    news = [
        f"{name} {seen.get(name, 0)} -> {count}"
        for name, count in recorded.items()
        if seen.get(name) != count
    ]
    return f"since the build of {started_at:%Y-%m-%d %H:%M:%S}: {', '.join(news)}" if news else None
