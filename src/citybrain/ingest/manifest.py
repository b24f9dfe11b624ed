"""The manifest: one row a distinct delivery, one row an arrival, and who works on what right now."""

import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

RETRY_AFTER = timedelta(
    minutes=1
)  # a batch whose gate broke down waits this long, so that nobody spins on it


@dataclass(frozen=True)
class Batch:
    """A row of `meta.batch`, as far as the gate needs it. Times are aware; `size` in bytes."""

    batch_id: int
    dataset: str
    object_key: str
    sha256: str
    source_name: str
    source_version: str
    logical_date: date
    landed_at: datetime
    state: str
    card: str | None
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    rows_rejected: int
    reason: str | None
    size: int


_BATCH = (
    "batch_id, dataset, object_key, sha256, source_name, source_version, logical_date, landed_at, state,"
    " card, rows_in, rows_loaded, rows_quarantined, rows_rejected, reason, bytes AS size"
)


@dataclass(frozen=True)
class NewBatch:
    """What is known when an object has landed; `size` in bytes."""

    dataset: str
    object_key: str
    sha256: str
    size: int
    source_name: str
    source_version: str
    logical_date: date


def batch_of_content(connection: psycopg.Connection, dataset: str, sha256: str) -> int | None:
    """The batch that holds these bytes for the dataset, None when they are new."""
    row = connection.execute(
        "SELECT batch_id FROM meta.batch WHERE dataset = %s AND sha256 = %s", (dataset, sha256)
    ).fetchone()
    return row[0] if row else None


def register(connection: psycopg.Connection, new: NewBatch) -> int | None:
    """Add the batch; None when another process added the same content first."""
    row = connection.execute(
        "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name,"
        " source_version, logical_date)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (dataset, sha256) DO NOTHING RETURNING batch_id",
        (
            new.dataset,
            new.object_key,
            new.sha256,
            new.size,
            new.source_name,
            new.source_version,
            new.logical_date,
        ),
    ).fetchone()
    return row[0] if row else None


# A batch that was given back stays landed for long; nobody waits for it.
_NEEDS_OTHERS = """EXISTS (
    SELECT FROM meta.batch AS needed
    WHERE needed.state = 'landed' AND needed.claimed_by IS DISTINCT FROM 'waiting'
        AND needed.batch_id <> ALL (%(tried)s::bigint[]) AND needed.dataset <> mine.dataset
        AND %(needs)s::jsonb -> mine.dataset ? needed.dataset
)"""


def state_again(
    connection: psycopg.Connection, batch_id: int, logical_date: date, source_version: str, by_day: bool
) -> bool:
    """Known bytes were delivered again: now they count with the newest day and version they came with.

    by_day: the logical date orders deliveries before their version does, as it is with snapshots. True when
    the batch overtook another one of its dataset: what it says is current again, and is to be built from.
    """
    # Two that deliver the same bytes at once take turns: the second one sees what the first has written.
    connection.execute("SELECT FROM meta.batch WHERE batch_id = %s FOR UPDATE", (batch_id,))
    row = connection.execute(
        """
        WITH told AS (
            SELECT batch_id, dataset,
                CASE WHEN %(by_day)s THEN coalesce(newest_logical_date, logical_date)
                    ELSE '-infinity' END AS day,
                coalesce(newest_version, source_version) AS version
            FROM meta.batch
            WHERE dataset = (SELECT dataset FROM meta.batch WHERE batch_id = %(batch)s)
        ), mine AS (
            SELECT day, version FROM told WHERE batch_id = %(batch)s
        ), now_told AS (
            SELECT CASE WHEN %(by_day)s THEN %(day)s::date ELSE '-infinity' END AS day,
                %(version)s::text AS version
        ), overtaken AS (
            SELECT count(*) > 0 AS any FROM told, mine, now_told
            WHERE told.batch_id <> %(batch)s AND (told.day, told.version) > (mine.day, mine.version)
                AND (told.day, told.version) <= (now_told.day, now_told.version)
        )
        UPDATE meta.batch SET newest_logical_date = %(day)s, newest_version = %(version)s,
            revision = revision + overtaken.any::integer,
            restated_at = CASE WHEN overtaken.any THEN now() ELSE restated_at END
        FROM mine, now_told, overtaken
        WHERE batch_id = %(batch)s AND (now_told.day, now_told.version) > (mine.day, mine.version)
        RETURNING overtaken.any
        """,
        {"batch": batch_id, "day": logical_date, "version": source_version, "by_day": by_day},
    ).fetchone()
    return row is not None and bool(row[0])


def note_delivery(
    connection: psycopg.Connection,
    dataset: str,
    source_name: str,
    outcome: Literal["landed", "duplicate", "refused"],
    batch_id: int | None = None,
    logical_date: date | None = None,
    source_version: str | None = None,
    etag: str | None = None,
    size: int | None = None,
    reason: str | None = None,
) -> None:
    """Write down an arrival, whatever became of it."""
    connection.execute(
        "INSERT INTO meta.delivery"
        " (dataset, batch_id, outcome, source_name, logical_date, source_version, etag, bytes, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (dataset, batch_id, outcome, source_name, logical_date, source_version, etag, size, reason),
    )


def etags_seen(connection: psycopg.Connection, dataset: str, names: Sequence[str]) -> set[tuple[str, str]]:
    """(source name, ETag) of the arrivals among `names` that are in the manifest already, refused ones
    too.
    """
    rows = connection.execute(
        "SELECT DISTINCT source_name, etag FROM meta.delivery"
        " WHERE dataset = %s AND source_name = ANY(%s) AND etag IS NOT NULL",
        (dataset, list(names)),
    ).fetchall()
    return {(name, etag) for name, etag in rows}


def watermarks(connection: psycopg.Connection, dataset: str) -> dict[str, str]:
    """The connector's cursors by name."""
    return dict(
        connection.execute("SELECT name, value FROM meta.watermark WHERE dataset = %s", (dataset,)).fetchall()
    )


def set_watermarks(connection: psycopg.Connection, dataset: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        connection.execute(
            "INSERT INTO meta.watermark (dataset, name, value) VALUES (%s, %s, %s)"
            " ON CONFLICT (dataset, name) DO UPDATE SET value = excluded.value, updated_at = now()",
            (dataset, name, value),
        )


def get_batch(connection: psycopg.Connection, batch_id: int) -> Batch | None:
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        return cursor.execute(
            f"SELECT {_BATCH} FROM meta.batch WHERE batch_id = %s",  # noqa: S608 - a constant
            (batch_id,),
        ).fetchone()


def list_batches(connection: psycopg.Connection, state: str | None = None, limit: int = 200) -> list[Batch]:
    """The newest batches, of one state or of all."""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        return cursor.execute(
            f"SELECT {_BATCH} FROM meta.batch WHERE %(state)s::text IS NULL OR state = %(state)s"  # noqa: S608
            " ORDER BY batch_id DESC LIMIT %(limit)s",
            {"state": state, "limit": limit},
        ).fetchall()


def unjudged(connection: psycopg.Connection, dataset: str) -> dict[int, int]:
    """Landed batches of a dataset that the gate has not settled: size in bytes by batch, oldest first."""
    return dict(
        connection.execute(
            "SELECT batch_id, bytes FROM meta.batch WHERE dataset = %s AND state = 'landed'"
            " ORDER BY batch_id",
            (dataset,),
        ).fetchall()
    )


def new_claimant(work: str) -> str:
    """A name no other process has; it is also the application name of its connection, by which others see it
    live.
    """
    return f"citybrain {work} {socket.gethostname()[:20]} {secrets.token_hex(6)}"


def claim_next(
    connection: psycopg.Connection,
    claimant: str,
    lease: timedelta,
    order: Sequence[str],
    tried: Iterable[int],
    needs: Mapping[str, Sequence[str]] | None = None,
) -> Batch | None:
    """Take the next landed batch: datasets in `order` first, then by age. None when there is nothing to do.

    `needs` names for a dataset those that its rules look values up in: while a batch of one of them is landed
    and in somebody's hands, the dataset's own batches wait (see `are_waiting`).

    A claim is free again as soon as the session that holds it is gone; a batch that was given back, when its
    time has
    come. `connection` is in autocommit and its application name is `claimant`.
    """
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        return cursor.execute(
            f"""
            UPDATE meta.batch SET claimed_by = %(claimant)s, claim_expires_at = now() + %(lease)s
            WHERE batch_id = (
                SELECT batch_id FROM meta.batch AS mine
                WHERE state = 'landed' AND batch_id <> ALL (%(tried)s::bigint[])
                    AND NOT {_NEEDS_OTHERS}
                    AND (claimed_by IS NULL OR (
                        (claim_expires_at < now() OR claimed_by LIKE 'citybrain %%')
                        AND claimed_by NOT IN (
                            SELECT application_name FROM pg_stat_activity WHERE usename = current_user
                        )
                    ))
                ORDER BY array_position(%(order)s::text[], dataset) NULLS LAST, batch_id
                LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING {_BATCH}
            """,  # noqa: S608 - a constant
            {
                "claimant": claimant,
                "lease": lease,
                "tried": list(tried),
                "order": list(order),
                "needs": Jsonb({name: list(needed) for name, needed in (needs or {}).items()}),
            },
        ).fetchone()


def count_landed(connection: psycopg.Connection) -> int:
    """How many batches wait for the gate."""
    row = connection.execute("SELECT count(*) FROM meta.batch WHERE state = 'landed'").fetchone()
    return int(row[0]) if row else 0


def are_waiting(
    connection: psycopg.Connection, tried: Iterable[int], needs: Mapping[str, Sequence[str]]
) -> bool:
    """Whether some landed batch can be claimed only when another process has settled what it needs."""
    row = connection.execute(
        f"SELECT EXISTS (SELECT FROM meta.batch AS mine WHERE state = 'landed'"  # noqa: S608 - a constant
        f" AND batch_id <> ALL (%(tried)s::bigint[]) AND claimed_by IS NULL AND {_NEEDS_OTHERS})",
        {"tried": list(tried), "needs": Jsonb({name: list(needed) for name, needed in needs.items()})},
    ).fetchone()
    return row == (True,)


def still_mine(connection: psycopg.Connection, batch_id: int, claimant: str) -> Batch | None:
    """Lock the batch for the rest of the transaction if `claimant` still holds it, else None."""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        return cursor.execute(
            f"SELECT {_BATCH} FROM meta.batch WHERE batch_id = %s AND claimed_by = %s FOR UPDATE",  # noqa: S608
            (batch_id, claimant),
        ).fetchone()


def give_back(connection: psycopg.Connection, batch_id: int, claimant: str, reason: str) -> None:
    """The gate of this batch broke down: it stays landed, with the reason, and is free again after
    RETRY_AFTER.
    """
    connection.execute(
        "UPDATE meta.batch SET claimed_by = 'waiting', claim_expires_at = now() + %s, reason = %s"
        " WHERE batch_id = %s AND claimed_by = %s AND state = 'landed'",
        (RETRY_AFTER, reason, batch_id, claimant),
    )
