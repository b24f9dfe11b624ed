"""The figures of the summary and of `citybrain status`, read from the databases."""

import psycopg

from citybrain.settings import DatabaseRole, Settings

COUNTS = ("landed", "loaded", "quarantined", "rejected", "batches", "models", "tests", "dashboards")

_CITY = """
SELECT coalesce(sum(rows_in), 0)::bigint, coalesce(sum(rows_loaded), 0)::bigint,
       coalesce(sum(rows_quarantined), 0)::bigint, coalesce(sum(rows_rejected), 0)::bigint, count(*)
FROM meta.batch
"""
_LAST_BUILD = """
SELECT models, tests FROM meta.transform_run
WHERE command = 'build' AND outcome = 'succeeded' ORDER BY transform_run_id DESC LIMIT 1
"""
_DASHBOARDS = "SELECT count(*) FROM dashboards"


def read_counts(settings: Settings) -> dict[str, int]:
    """Rows landed, loaded, quarantined and rejected over all batches; batches; models and tests of the
    last good build;
    dashboards in Superset. Zero where nothing ran yet.

    Raises psycopg.OperationalError when PostgreSQL does not answer.
    """
    city = _first_row(settings, DatabaseRole.OWNER, _CITY) or (0,) * 5
    build = _first_row(settings, DatabaseRole.OWNER, _LAST_BUILD) or (0, 0)
    dashboards = _first_row(settings, DatabaseRole.SUPERSET, _DASHBOARDS) or (0,)
    figures = (*city, *build, *dashboards)
    return {name: int(figure or 0) for name, figure in zip(COUNTS, figures, strict=True)}


def _first_row(settings: Settings, role: DatabaseRole, query: str) -> tuple[int, ...] | None:
    """The query's first row; None when its table is not there yet."""
    with psycopg.connect(settings.dsn(role), connect_timeout=5) as connection:
        try:
            return connection.execute(query.encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
