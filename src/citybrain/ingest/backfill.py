"""Going over past logical dates again: the source is asked anew where it can be, batches are judged anew.

Batches are judged from the bytes in the lake. A batch that waits, was held or was rejected goes through the
gate as if it had just landed; of a loaded one the rows in quarantine get another chance. What a person
refused stays refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import psycopg

from citybrain.catalogue import load_dataset
from citybrain.ingest.connectors import SourceError, asks_for_a_day
from citybrain.ingest.gate import STATEMENT_TIMEOUT, gate_claimed, judge_and_settle
from citybrain.ingest.landing import LandingReport, land_anew, today
from citybrain.ingest.manifest import get_batch, new_claimant
from citybrain.ingest.settle import BatchOutcome, outcome_of
from citybrain.ingest.stage_tables import drop_stage
from citybrain.quality import publish_data_docs
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect

_TO_JUDGE = """
SELECT b.batch_id, b.state, b.source_name, b.rows_quarantined, coalesce(b.newest_logical_date, b.logical_date)
FROM meta.batch AS b
WHERE b.dataset = %s AND (b.state IN ('landed', 'held', 'rejected')
        OR (b.state = 'loaded' AND b.rows_quarantined > 0))
    AND NOT EXISTS (SELECT FROM meta.batch_decision AS d WHERE d.batch_id = b.batch_id AND b.state = 'held')
    AND EXISTS (SELECT FROM meta.delivery AS d WHERE d.batch_id = b.batch_id
        AND coalesce(d.logical_date, b.logical_date) BETWEEN %s AND %s)
ORDER BY b.batch_id
"""
_BACK_TO_THE_GATE = """
UPDATE meta.batch SET state = 'landed', card = NULL, reason = NULL, rows_in = 0, rows_rejected = 0,
    gated_at = NULL, settled_at = NULL, claimed_by = %(claimant)s, claim_expires_at = now() + %(lease)s
WHERE batch_id = %(batch)s AND (state IN ('held', 'rejected') OR (state = 'landed' AND (claimed_by IS NULL
    OR claimed_by NOT IN (SELECT application_name FROM pg_stat_activity WHERE usename = current_user))))
"""
_HOLD_LOADED = """
UPDATE meta.batch SET claimed_by = %(claimant)s, claim_expires_at = now() + %(lease)s
WHERE batch_id = %(batch)s AND state = 'loaded' AND rows_quarantined > 0
"""
_LET_GO = (
    "UPDATE meta.batch SET claimed_by = NULL, claim_expires_at = NULL WHERE batch_id = %s AND claimed_by = %s"
)


@dataclass(frozen=True)
class BackfillStep:
    """One thing to do: ask the source for a day, or judge a batch; its state and quarantine are as found."""

    kind: Literal["pull", "judge"]
    logical_date: date
    batch_id: int | None = None
    state: str | None = None
    source_name: str | None = None
    rows_quarantined: int = 0


@dataclass
class BackfillReport:
    """What was done. `failures`: days and batches that could not be done, with the reason."""

    dataset: str
    landings: list[LandingReport] = field(default_factory=list)
    outcomes: list[BatchOutcome] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def plan_backfill(dataset_id: str, first: date, last: date) -> list[BackfillStep]:
    """What `backfill` would do for the logical dates from `first` to `last`; nothing is changed.

    Raises ValueError for a window that ends before it begins or after today, ContentError for the dataset.
    """
    if first > last:
        raise ValueError(f"the window ends on {last}, before it begins on {first}")
    if last > today():
        raise ValueError(f"the window ends on {last}, which is still to come")
    settings = get_settings()
    dataset = load_dataset(settings.sources_dir / f"{dataset_id}.yml")
    days = range((last - first).days + 1) if asks_for_a_day(dataset) else []
    pulls = [BackfillStep("pull", first + timedelta(days=number)) for number in days]
    with connect(settings, DatabaseRole.LOADER, "citybrain backfill") as connection:
        found = connection.execute(_TO_JUDGE, (dataset_id, first, last)).fetchall()
    return pulls + [
        BackfillStep("judge", day, batch_id, state, source_name, quarantined)
        for batch_id, state, source_name, quarantined, day in found
    ]


def run_backfill(dataset_id: str, first: date, last: date) -> BackfillReport:
    """Ask the source anew for each day if it can be asked, then judge every batch of the window anew.

    Safe to run twice and after a kill. One day's or batch's trouble stops no other. Raises as
    `plan_backfill`, and psycopg.OperationalError when the database is gone.
    """
    steps = plan_backfill(dataset_id, first, last)
    report = BackfillReport(dataset_id)
    for step in steps:
        if step.kind == "pull":
            try:
                report.landings.append(land_anew(dataset_id, step.logical_date))
            except SourceError as error:
                report.failures[step.logical_date.isoformat()] = str(error)
    judged = [step.batch_id for step in steps if step.batch_id is not None]
    landed = [batch_id for landing in report.landings for batch_id in landing.landed]
    _judge_all(get_settings(), [*judged, *landed], report)
    return report


def _judge_all(settings: Settings, batches: Sequence[int], report: BackfillReport) -> None:
    claimant = new_claimant("backfill")
    with connect(settings, DatabaseRole.LOADER, claimant, STATEMENT_TIMEOUT, autocommit=True) as connection:
        for batch_id in batches:
            outcome = _judge(connection, settings, batch_id, claimant, report)
            if outcome is not None:
                report.outcomes.append(outcome)
    if report.outcomes:
        publish_data_docs(settings)


def _judge(
    connection: psycopg.Connection, settings: Settings, batch_id: int, claimant: str, report: BackfillReport
) -> BatchOutcome | None:
    """One process at a time: a second one waits. None when others work on the batch or settled it."""
    claim = {"batch": batch_id, "claimant": claimant, "lease": STATEMENT_TIMEOUT}
    connection.execute("SELECT pg_advisory_lock(hashtext('citybrain release'), %s)", (batch_id,))
    try:
        if connection.execute(_BACK_TO_THE_GATE, claim).rowcount:
            batch = get_batch(connection, batch_id)
            outcome = gate_claimed(connection, settings, batch, claimant) if batch else None
            if outcome is not None and outcome.state == "landed":
                report.failures[f"batch {batch_id}"] = outcome.reason or "the gate broke down"
            return outcome
        if connection.execute(_HOLD_LOADED, claim).rowcount:
            return _judge_loaded(connection, settings, batch_id, claimant, report)
        return None
    finally:
        connection.execute("SELECT pg_advisory_unlock(hashtext('citybrain release'), %s)", (batch_id,))


def _judge_loaded(
    connection: psycopg.Connection, settings: Settings, batch_id: int, claimant: str, report: BackfillReport
) -> BatchOutcome | None:
    batch = get_batch(connection, batch_id)
    if batch is None:
        return None
    try:
        judge_and_settle(connection, settings, batch, claimant, released=False)
    except Exception as error:  # what stands of this batch stays as it is; the others have their turn
        if connection.broken:
            raise
        drop_stage(connection, batch_id)
        connection.execute(_LET_GO, (batch_id, claimant))
        report.failures[f"batch {batch_id}"] = " ".join(str(error).split())[:1000]
    found = get_batch(connection, batch_id)
    return outcome_of(found) if found else None
