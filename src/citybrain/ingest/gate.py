"""The gate: takes landed batches one by one, judges each, and settles it. Whatever happens to one leaves the
others alone."""

import logging
import time
from contextlib import ExitStack
from datetime import timedelta

import psycopg

from citybrain.catalogue import ContentError, Dataset, load_dataset
from citybrain.ingest.early_checks import early_checks
from citybrain.ingest.judging import judge
from citybrain.ingest.manifest import Batch, are_waiting, claim_next, get_batch, give_back, new_claimant
from citybrain.ingest.readers import DeliveryRejectedError
from citybrain.ingest.settle import (
    BatchOutcome,
    ClaimLostError,
    outcome_of,
    settle_held,
    settle_loaded,
    settle_loaded_again,
    settle_rejected,
)
from citybrain.ingest.stage import stage_delivery
from citybrain.ingest.stage_tables import drop_stage
from citybrain.lake import arriving, spool_folder
from citybrain.quality import Card, Expectations, expectations_for, gate_order, publish_data_docs
from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.raw_tables import prepare_raw_table

log = logging.getLogger(__name__)
STATEMENT_TIMEOUT = timedelta(hours=1)
WAIT_SECONDS = 0.2  # for another gate to settle what a batch needs


class GateError(RuntimeError):
    """A batch cannot be judged as things are set up; the text says what to write or change."""


def gate_landed_batches(limit: int | None = None) -> list[BatchOutcome]:
    """Judge and settle what has landed, at most `limit` batches (default: CITYBRAIN_GATE_BATCHES).

    Many processes may run it at once; each batch is settled by one of them. A batch whose gate breaks down
    (no expectations
    file, S3 gone) comes back as still `landed` with the reason, and waits a minute before anyone takes it
    again.
    Raises psycopg.OperationalError when the database itself is gone.
    """
    settings = get_settings()
    claimant = new_claimant("gate")
    lease = timedelta(minutes=settings.claim_minutes)
    outcomes: list[BatchOutcome] = []
    with connect(settings, DatabaseRole.LOADER, claimant, STATEMENT_TIMEOUT, autocommit=True) as connection:
        order, needs = _order(settings)
        while len(outcomes) < (limit if limit is not None else settings.gate_batches):
            tried = [outcome.batch_id for outcome in outcomes]
            batch = claim_next(connection, claimant, lease, order, tried, needs)
            if batch is None:
                if not are_waiting(connection, tried, needs):
                    break
                time.sleep(WAIT_SECONDS)
                continue
            outcomes.append(gate_claimed(connection, settings, batch, claimant))
    if outcomes:
        publish_data_docs(settings)
    return outcomes


def _order(settings: Settings) -> tuple[list[str], dict[str, list[str]]]:
    """Datasets after those their rules look values up in, and these for each. A file that is wrong is its own
    batches' trouble only."""
    found: dict[str, Expectations] = {}
    for path in settings.expectations_dir.glob("*.yml"):
        try:
            found[path.stem] = expectations_for(path.stem, settings)
        except ContentError as error:
            log.warning("expectations not usable: %s", error)
    return gate_order(found), {name: sorted(rules.references) for name, rules in found.items()}


def gate_claimed(
    connection: psycopg.Connection, settings: Settings, batch: Batch, claimant: str
) -> BatchOutcome:
    """Judge and settle one batch that `claimant` holds. Raises only when the connection is gone."""
    try:
        judge_and_settle(connection, settings, batch, claimant, released=False)
    except ClaimLostError as error:
        log.warning("%s", error)
    except Exception as error:  # one batch's trouble, whatever it is, must not stop the others
        if connection.broken:
            raise
        log.exception("gate of batch %s (%s) broke down", batch.batch_id, batch.dataset)
        drop_stage(connection, batch.batch_id)
        give_back(connection, batch.batch_id, claimant, " ".join(str(error).split())[:1000])
    return outcome_of(get_batch(connection, batch.batch_id) or batch)


def judge_and_settle(
    connection: psycopg.Connection, settings: Settings, batch: Batch, claimant: str, released: bool
) -> None:
    """Bring a claimed batch to its end. `released`: a person decided to load the good rows of a red card.

    A batch that was loaded before gets the rows that are good by now, whatever its card.

    Raises GateError, ContentError or RawTableError when something has to be put right first.
    """
    dataset, expectations = _content(settings, batch.dataset)
    for needed in (dataset, *expectations.references.values()):
        prepare_raw_table(settings, needed)
    own_table = gets_own_table(settings, batch)
    with ExitStack() as stack:
        path = stack.enter_context(spool_folder(settings)) / f"batch_{batch.batch_id}"
        checks = early_checks(settings, claimant, batch, expectations)
        early = stack.enter_context(checks) if own_table else None
        try:
            with arriving(settings, "landing", batch.object_key, path, batch.sha256) as delivery:
                staged = stage_delivery(connection, dataset, batch.batch_id, delivery, own_table, early)
        except DeliveryRejectedError as error:
            if batch.state == "loaded":
                raise GateError(f"what was loaded once cannot be read any more: {error.reason}") from error
            settle_rejected(connection, batch, claimant, error.reason, error.rows)
            return
        judgement = judge(connection, settings, staged, batch, expectations, early)
        if batch.state == "loaded":
            settle_loaded_again(connection, batch, claimant, staged, judgement)
        elif judgement.card == Card.RED and not released:
            settle_held(connection, batch, claimant, staged, judgement)
        else:
            settle_loaded(connection, batch, claimant, staged, judgement)


def gets_own_table(settings: Settings, batch: Batch) -> bool:
    """Whether the delivery is large enough to be written once; rows that join loaded ones are not."""
    return batch.state != "loaded" and batch.size >= settings.own_table_mb * 1024 * 1024


def _content(settings: Settings, dataset_id: str) -> tuple[Dataset, Expectations]:
    dataset = load_dataset(settings.sources_dir / f"{dataset_id}.yml")
    path = settings.expectations_dir / f"{dataset_id}.yml"
    if not path.exists():
        raise GateError(f"nothing is loaded unjudged: write the expectations of {dataset_id} in {path}")
    return dataset, expectations_for(dataset_id, settings)
