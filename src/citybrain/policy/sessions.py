"""Sessions of role `matcher`: what may read facts and write results, and nothing else."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.passes import PlannedItem
from citybrain.policy.plan import Plan
from citybrain.policy.writing import takes_vectors
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

STATEMENT_TIMEOUT = timedelta(minutes=5)
LOCK = "citybrain policy match"

Connection = psycopg.Connection[Any]

IN_FORCE = """
SELECT v.item_version_id, v.item_id, i.title, v.sha256, v.payable, v.plan_sha256, p.plan::text
FROM policy.item_version v JOIN policy.item i USING (item_id) JOIN policy.plan p ON p.sha256 = v.plan_sha256
WHERE v.withdrawn_at IS NULL AND v.valid_from <= %(day)s AND (v.valid_to IS NULL OR v.valid_to >= %(day)s)
ORDER BY v.item_version_id
"""


def matcher(settings: Settings) -> Connection:
    """A session of role `matcher`, one at a time, whose transaction sees one state of everything.

    Its search path is fixed, the catalogue first and temporary tables last: nobody can slip in a function or
    a facts table.
    """
    connection = _session(settings)
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (LOCK,))  # let go when the session ends
    connection.commit()  # what the one before wrote is seen by the transaction that begins now
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def matcher_beside(settings: Settings) -> Connection:
    """Another session of the role, for who holds the first one."""
    connection = _session(settings)
    connection.commit()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _session(settings: Settings) -> Connection:
    connection = connect(settings, DatabaseRole.MATCHER, LOCK, STATEMENT_TIMEOUT)
    for option in (
        "search_path = pg_catalog, marts, pg_temp",
        "jit = off",  # hundreds of short statements
        "work_mem = '128MB'",
        "temp_buffers = '256MB'",
    ):
        connection.execute(sql.SQL("SET {}").format(sql.SQL(option)))
    takes_vectors(connection)
    return connection


def same_state(settings: Settings, writer: Connection) -> Connection:
    """A second session that sees the state of the first."""
    row = writer.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None  # noqa: S101 - a query of exactly one row
    connection = matcher_beside(settings)
    connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(row[0])))
    return connection


def items_in_force(connection: Connection, day: date) -> list[PlannedItem]:
    """The versions that hold on `day`, in order of version."""
    return planned_items(stored_items(connection, day))


def stored_items(connection: Connection, day: date) -> list[tuple[Any, ...]]:
    """As they are stored, plans as text of JSON."""
    return connection.execute(IN_FORCE, {"day": day}).fetchall()


def planned_items(stored: Iterable[tuple[Any, ...]]) -> list[PlannedItem]:
    return [
        PlannedItem(
            version_id, item_id, title, sha256, payable, plan_sha256, Plan.from_json(json.loads(plan))
        )
        for version_id, item_id, title, sha256, payable, plan_sha256, plan in stored
    ]
