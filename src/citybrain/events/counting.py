"""The figures of cases for the summary: read as dbt reads, without a page's row scope."""

import psycopg

from citybrain.settings import DatabaseRole, Settings

COUNTS = ("signals", "cases", "cases_open", "cases_closed", "cases_overdue", "notifications_waiting")

_COUNTS = """
SELECT
    (SELECT count(*) FROM ops.signal),
    (SELECT count(*) FROM ops.event_case),
    (SELECT count(*) FROM ops.event_case WHERE state NOT IN ('closed', 'voided')),
    (SELECT count(*) FROM ops.event_case WHERE state = 'closed'),
    (SELECT count(*) FROM ops.event_case WHERE state NOT IN ('closed', 'voided') AND deadline_at < now()),
    (SELECT count(*) FROM ops.notification WHERE state = 'pending')
"""


def case_counts(settings: Settings) -> dict[str, int]:
    """Signals, cases, how many are open, closed or overdue, notifications that wait; zeros before set-up.

    Raises psycopg.OperationalError when PostgreSQL does not answer.
    """
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), connect_timeout=5) as connection:
        try:
            row = connection.execute(_COUNTS).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
    return dict(zip(COUNTS, row or (0,) * len(COUNTS), strict=True))


_MACHINE = """
SELECT (SELECT count(*) FROM ops.signal WHERE state = 'pending'),
    (SELECT count(*) FROM ops.event_case c WHERE c.state = 'checking' AND NOT EXISTS (
        SELECT FROM ops.transition t
        WHERE t.case_id = c.id AND t.version = c.version AND t.action = 'ask_person'))
"""


def waiting_for_machines(settings: Settings) -> int:
    """Signals not taken in yet and cases whose check by a detector has no verdict yet."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), connect_timeout=5) as connection:
        row = connection.execute(_MACHINE).fetchone()
    return sum(row) if row else 0
