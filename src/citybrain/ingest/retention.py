"""Data whose time is over goes: rows in raw and quarantine, then every version of the object in the lake.

The manifest keeps the batch, so that the same bytes are not taken in again. A run that is killed is made up
for by the next: rows and their note go in one transaction, and an object without the second note is removed
again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset, usable_datasets
from citybrain.catalogue.retention import load_retention
from citybrain.lake import remove_all_versions
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.raw_tables import OWN_TABLES_SCHEMA, RAW_SCHEMA

APPLICATION = "citybrain retention"


@dataclass(frozen=True)
class Expired:
    """A batch whose time is over: `kept_until` was its last day. `rows` in raw and quarantine together."""

    batch_id: int
    dataset: str
    object_key: str
    logical_date: date
    kept_until: date
    rows: int


def expired_batches(settings: Settings, today: date) -> list[Expired]:
    """What `apply_retention` would remove on `today`, oldest first.

    The newest loaded delivery of a snapshot stays, however old: it is what the register says.
    """
    with connect(settings, DatabaseRole.OWNER, APPLICATION) as connection:
        return [
            batch
            for dataset in usable_datasets(settings).values()
            for batch in _expired_of(connection, dataset, today)
        ]


def apply_retention(
    settings: Settings, today: date, on_batch: Callable[[Expired], None] = lambda _batch: None
) -> list[Expired]:
    """Remove what is over. Raises LakeError when an object cannot be removed; the next run goes on there."""
    gone = expired_batches(settings, today)
    with connect(settings, DatabaseRole.OWNER, APPLICATION, autocommit=True) as connection:
        for batch in gone:
            _remove_rows(connection, batch)
            on_batch(batch)
        _remove_objects(connection, settings)
    return gone


def _expired_of(connection: psycopg.Connection, dataset: Dataset, today: date) -> list[Expired]:
    limit = load_retention().classes[dataset.personal_data]
    if limit is None:
        return []
    rows = connection.execute(
        "SELECT batch_id, object_key, logical_date, rows_loaded + rows_quarantined FROM meta.batch"
        " WHERE dataset = %s AND expired_at IS NULL AND state <> 'landed' AND logical_date < %s"
        " AND NOT (%s AND batch_id IN (SELECT batch_id FROM meta.newest_delivery WHERE dataset = %s))"
        " ORDER BY logical_date, batch_id",
        (dataset.id, today - limit, dataset.delivers == "snapshot", dataset.id),
    ).fetchall()
    return [Expired(number, dataset.id, key, day, day + limit, count) for number, key, day, count in rows]


def _remove_rows(connection: psycopg.Connection, batch: Expired) -> None:
    with connection.transaction():
        raw = sql.Identifier(RAW_SCHEMA, batch.dataset)
        if connection.execute("SELECT to_regclass(%s)", (raw.as_string(connection),)).fetchone() != (None,):
            own = sql.Identifier(OWN_TABLES_SCHEMA, f"batch_{batch.batch_id}")
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(own))
            connection.execute(sql.SQL("DELETE FROM {} WHERE _batch_id = %s").format(raw), (batch.batch_id,))
        connection.execute("DELETE FROM quarantine.rejected_row WHERE batch_id = %s", (batch.batch_id,))
        connection.execute("UPDATE meta.batch SET expired_at = now() WHERE batch_id = %s", (batch.batch_id,))


def _remove_objects(connection: psycopg.Connection, settings: Settings) -> None:
    found: list[tuple[int, str, datetime]] = connection.execute(
        "SELECT batch_id, object_key, expired_at FROM meta.batch"
        " WHERE expired_at IS NOT NULL AND object_removed_at IS NULL ORDER BY batch_id"
    ).fetchall()
    for batch_id, key, _ in found:
        remove_all_versions(settings, "landing", key)
        connection.execute("UPDATE meta.batch SET object_removed_at = now() WHERE batch_id = %s", (batch_id,))
