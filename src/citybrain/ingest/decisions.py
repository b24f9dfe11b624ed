"""Red cards and the people who decide on them. A decision is a row; acting on it may be tried again and
again.
"""

from dataclasses import dataclass
from typing import Literal

import psycopg

from citybrain.ingest.gate import STATEMENT_TIMEOUT, judge_and_settle
from citybrain.ingest.judging import run_name
from citybrain.ingest.manifest import Batch, get_batch, new_claimant
from citybrain.ingest.settle import BatchOutcome, outcome_of
from citybrain.quality import data_docs_url
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect

TOP_REASONS = 5


@dataclass(frozen=True)
class HeldBatch:
    """A batch with a red card that waits for a person. `top_reasons` are in Chinese, worst first."""

    batch_id: int
    dataset: str
    source_name: str
    rows_in: int
    top_reasons: list[str]
    data_docs_url: str


class DecisionError(RuntimeError):
    """The batch is not one to decide on."""


def held_batches() -> list[HeldBatch]:
    """The batches that wait for a decision, oldest first."""
    settings = get_settings()
    with connect(settings, DatabaseRole.LOADER, "citybrain held batches") as connection:
        rows = connection.execute(
            "SELECT batch_id, dataset, source_name, rows_in, coalesce(reason, '') FROM meta.batch"
            " WHERE state = 'held' ORDER BY batch_id"
        ).fetchall()
    return [
        HeldBatch(
            batch_id,
            dataset,
            source_name,
            rows_in,
            [part for part in reason.split("；") if part][:TOP_REASONS],
            data_docs_url(settings, dataset, run_name(batch_id)),
        )
        for batch_id, dataset, source_name, rows_in, reason in rows
    ]


def decide_held_batch(
    batch_id: int, decision: Literal["release", "refuse"], decided_by: str, note: str = ""
) -> BatchOutcome:
    """Write down what a person decided, and act on it: release loads the good rows, refuse loads nothing.

    The first decision on a batch counts: repeating it finishes what a crash left undone, another one raises
    DecisionError,
    as does a batch that was never held.
    """
    settings = get_settings()
    claimant = new_claimant("decision")
    with connect(settings, DatabaseRole.LOADER, claimant, STATEMENT_TIMEOUT, autocommit=True) as connection:
        batch = _decide(connection, batch_id, decision, decided_by, note)
        if batch.state == "held" and decision == "refuse":
            _refuse(connection, batch_id, decided_by, note)
        elif batch.state == "held":
            _release(connection, settings, batch, claimant)
        return outcome_of(get_batch(connection, batch_id) or batch)


def _decide(
    connection: psycopg.Connection, batch_id: int, decision: str, decided_by: str, note: str
) -> Batch:
    batch = get_batch(connection, batch_id)
    if batch is None:
        raise DecisionError(f"there is no batch {batch_id}")
    if batch.state == "held":
        connection.execute(
            "INSERT INTO meta.batch_decision (batch_id, decision, decided_by, note) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (batch_id) DO NOTHING",
            (batch_id, decision, decided_by, note),
        )
    row = connection.execute(
        "SELECT decision, decided_by FROM meta.batch_decision WHERE batch_id = %s", (batch_id,)
    ).fetchone()
    if row is None:
        raise DecisionError(f"batch {batch_id} is {batch.state}, not held: there is nothing to decide")
    if row[0] != decision:
        raise DecisionError(f"{row[1]} decided to {row[0]} batch {batch_id} already")
    return batch


def _refuse(connection: psycopg.Connection, batch_id: int, decided_by: str, note: str) -> None:
    connection.execute(
        "UPDATE meta.batch SET state = 'refused', rows_rejected = rows_in, settled_at = now(),"
        " reason = concat_ws('；', reason, %s::text) WHERE batch_id = %s AND state = 'held'",
        (f"由 {decided_by} 退回" + (f"：{note}" if note else ""), batch_id),
    )


def _release(connection: psycopg.Connection, settings: Settings, batch: Batch, claimant: str) -> None:
    """Build the stage again and load what is good. One process at a time: a second one waits, then finds it
    done.
    """
    connection.execute("SELECT pg_advisory_lock(hashtext('citybrain release'), %s)", (batch.batch_id,))
    taken = connection.execute(
        "UPDATE meta.batch SET claimed_by = %s, claim_expires_at = now() + %s"
        " WHERE batch_id = %s AND state = 'held'",
        (claimant, STATEMENT_TIMEOUT, batch.batch_id),
    )
    if taken.rowcount:
        judge_and_settle(connection, settings, batch, claimant, released=True)
