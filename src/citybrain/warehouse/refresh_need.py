"""Is there anything to build: did a batch load or the project change since the last good build?"""

import hashlib
from pathlib import Path

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

BUILT_FROM = ("models", "macros", "seeds", "snapshots", "tests", "analyses")
"""Folders of the dbt project; `target/`, `logs/` and `dbt_packages/` are what a build leaves behind."""

LAST_GOOD_BUILD = """
SELECT started_at, project_sha256 FROM meta.transform_run
WHERE outcome = 'succeeded' AND selection IS NULL AND command IN ('build', 'retry')
ORDER BY started_at DESC LIMIT 1
"""
LOADED_SINCE = "SELECT count(*) FROM meta.batch WHERE state = 'loaded' AND settled_at >= %s"
LOADED_EVER = "SELECT count(*) FROM meta.batch WHERE state = 'loaded'"
NOTE = """
UPDATE meta.transform_run SET project_sha256 = %s
WHERE transform_run_id = (SELECT max(transform_run_id) FROM meta.transform_run)
    AND outcome = 'succeeded' AND selection IS NULL
"""


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


def why_build(settings: Settings) -> str | None:
    """Why the warehouse should be built now, in one line for a log; None when a build would change nothing.

    Nothing was ever loaded: None too. Raises psycopg.Error.
    """
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        last = connection.execute(LAST_GOOD_BUILD).fetchone()
        if last is None:
            ever = connection.execute(LOADED_EVER).fetchone()
            return f"no good build yet, {ever[0]} batches loaded" if ever and ever[0] else None
        started_at, built_from = last
        since = connection.execute(LOADED_SINCE, [started_at]).fetchone()
    if since and since[0]:
        return f"{since[0]} batches loaded since {started_at:%Y-%m-%d %H:%M:%S}"
    if built_from != project_hash(settings):
        return "the dbt project or a source file changed since the last good build"
    return None


def note_built_from(settings: Settings, project_sha256: str) -> None:
    """Note on the newest run, when it is a good build of everything, what it was made of."""
    with connect(settings, DatabaseRole.TRANSFORMER, "refresh-need") as connection:
        connection.execute(NOTE, [project_sha256])
