"""The figures of the summary and of `citybrain status`, read from the databases."""

import psycopg

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.row_scope import SYSTEM, enter

COUNTS = (
    *("landed", "loaded", "quarantined", "rejected", "batches", "models", "tests", "dashboards"),
    *("items_matched", "firms_found", "yuan_proposed"),
    *("rounds", "signals", "cases", "cases_closed"),
)

_CITY = """
SELECT coalesce(sum(rows_in), 0)::bigint, coalesce(sum(rows_loaded), 0)::bigint,
       coalesce(sum(rows_quarantined), 0)::bigint, coalesce(sum(rows_rejected), 0)::bigint, count(*)
FROM meta.batch
"""
_LAST_BUILD = """
SELECT models, tests FROM meta.transform_run
WHERE command = 'build' AND selection IS NULL AND outcome = 'succeeded'
ORDER BY transform_run_id DESC LIMIT 1
"""
_MATCHING = "SELECT items, firms_found, trunc(yuan_proposed)::bigint FROM policy.latest_run"
_LOOP = """
SELECT (SELECT count(*) FROM vision.round), (SELECT count(*) FROM ops.signal),
       count(*), count(*) FILTER (WHERE state = 'closed') FROM ops.event_case
"""
_DASHBOARDS = "SELECT count(*) FROM dashboards"


def read_counts(settings: Settings) -> dict[str, int]:
    """The figures of COUNTS, zero where nothing ran yet.

    Rows over all batches; models and tests of the last good build; items, firms and whole yuan of the newest
    match run, before anybody decided; patrol rounds, signals, cases and closed cases since the beginning.

    Raises psycopg.OperationalError when PostgreSQL does not answer.
    """
    city = _first_row(settings, DatabaseRole.OWNER, _CITY) or (0,) * 5
    build = _first_row(settings, DatabaseRole.OWNER, _LAST_BUILD) or (0, 0)
    dashboards = _first_row(settings, DatabaseRole.SUPERSET, _DASHBOARDS) or (0,)
    matching = _first_row(settings, DatabaseRole.OWNER, _MATCHING) or (0, 0, 0)
    loop = _first_row(settings, DatabaseRole.OWNER, _LOOP) or (0, 0, 0, 0)
    figures = (*city, *build, *dashboards, *matching, *loop)
    return {name: int(figure or 0) for name, figure in zip(COUNTS, figures, strict=True)}


def _first_row(settings: Settings, role: DatabaseRole, query: str) -> tuple[int, ...] | None:
    """The query's first row; None when its table is not there yet."""
    with psycopg.connect(settings.dsn(role), connect_timeout=5) as connection:
        if role is DatabaseRole.OWNER:
            enter(connection, SYSTEM)  # cases are under row security, for their owner too
        try:
            return connection.execute(query.encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
