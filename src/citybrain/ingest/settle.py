"""How a batch ends: loaded, held, rejected or refused, always in one transaction with the rows it moves."""

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from citybrain.ingest.judging import Judgement, recover_bad_records
from citybrain.ingest.manifest import Batch, still_mine
from citybrain.ingest.orders import write_orders
from citybrain.ingest.stage_tables import Staged, drop_stage
from citybrain.quality import Card, RuleResult
from citybrain.warehouse.raw_tables import RAW_SCHEMA


class ClaimLostError(RuntimeError):
    """Another process took the batch over: this one was taken for dead. Nothing was written."""


@dataclass(frozen=True)
class BatchOutcome:
    """Where a batch stands now. A batch whose gate broke down is still `landed` and has the reason."""

    batch_id: int
    dataset: str
    state: str
    card: str | None
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    rows_rejected: int
    reason: str | None


def outcome_of(batch: Batch) -> BatchOutcome:
    return BatchOutcome(
        batch.batch_id,
        batch.dataset,
        batch.state,
        batch.card,
        batch.rows_in,
        batch.rows_loaded,
        batch.rows_quarantined,
        batch.rows_rejected,
        batch.reason,
    )


def settle_loaded(
    connection: psycopg.Connection, batch: Batch, claimant: str, staged: Staged, judgement: Judgement
) -> None:
    """Good rows to the raw table, bad ones to the quarantine, the batch to `loaded`: all or nothing."""
    with connection.transaction():
        _require_claim(connection, batch, claimant)
        quarantined = _quarantine(connection, batch, staged)
        loaded = (_take_in if staged.own_table else _load)(connection, batch, staged)
        if loaded + quarantined != staged.rows_in:
            raise RuntimeError(
                f"batch {batch.batch_id}: {staged.rows_in} rows in, but {loaded} loaded"
                f" and {quarantined} quarantined"
            )
        _write_results(connection, batch, judgement.results)
        _finish(connection, batch, "loaded", judgement, staged.rows_in, loaded, quarantined, 0)
        drop_stage(connection, batch.batch_id)


def settle_loaded_again(
    connection: psycopg.Connection, batch: Batch, claimant: str, staged: Staged, judgement: Judgement
) -> None:
    """A loaded batch was judged again: rows that are good now join those that stand, all or nothing.

    What was loaded stays: raw rows are never taken back, so a rule that has become stricter keeps out only
    what was out already. The quarantine shows the new reasons, the old ones stand in quarantine.past_row.
    """
    with connection.transaction():
        _require_claim(connection, batch, claimant)
        connection.execute("SELECT quarantine.set_aside(%s)", (batch.batch_id,))
        standing = _leave_out_standing(connection, batch, staged)
        quarantined = _quarantine(connection, batch, staged)
        added = _load(connection, batch, staged)
        if standing + added + quarantined != staged.rows_in:
            raise RuntimeError(
                f"batch {batch.batch_id}: {staged.rows_in} rows in, but {standing} stood, {added} were added"
                f" and {quarantined} quarantined"
            )
        _write_results(connection, batch, judgement.results)
        _finish(connection, batch, "loaded", judgement, staged.rows_in, standing + added, quarantined, 0)
        connection.execute(
            "UPDATE meta.batch SET revision = revision + 1 WHERE batch_id = %s AND %s > 0",
            (batch.batch_id, added),
        )
        drop_stage(connection, batch.batch_id)


def settle_held(
    connection: psycopg.Connection, batch: Batch, claimant: str, staged: Staged, judgement: Judgement
) -> None:
    """A red card: nothing moves until a person decides; the stage is built again then."""
    with connection.transaction():
        _require_claim(connection, batch, claimant)
        _write_results(connection, batch, judgement.results)
        _finish(connection, batch, "held", judgement, staged.rows_in, 0, 0, 0)
        drop_stage(connection, batch.batch_id)


def settle_rejected(
    connection: psycopg.Connection, batch: Batch, claimant: str, reason: str, rows: int
) -> None:
    """The delivery cannot be used at all; it stays in the lake."""
    result = RuleResult("delivery", "built_in", None, Card.RED, rows, rows, {"reason": reason})
    judgement = Judgement(Card.RED, [result], reason)
    with connection.transaction():
        _require_claim(connection, batch, claimant)
        _write_results(connection, batch, judgement.results)
        _finish(connection, batch, "rejected", judgement, rows, 0, 0, rows)
        drop_stage(connection, batch.batch_id)


def _require_claim(connection: psycopg.Connection, batch: Batch, claimant: str) -> None:
    if still_mine(connection, batch.batch_id, claimant) is None:
        raise ClaimLostError(f"batch {batch.batch_id} is in other hands now")


def _leave_out_standing(connection: psycopg.Connection, batch: Batch, staged: Staged) -> int:
    """Take lines that are loaded out of the stage; a line whose key one of them holds is bad. How many."""
    raw = sql.SQL("{} AS r WHERE r._batch_id = {}").format(
        sql.Identifier(RAW_SCHEMA, batch.dataset), sql.Literal(batch.batch_id)
    )
    for table in (staged.bad, staged.typed):
        standing = connection.execute(
            sql.SQL("DELETE FROM {} AS s WHERE EXISTS (SELECT FROM {} AND r._line = s._line)").format(
                table, raw
            )
        ).rowcount
    same_key = sql.SQL(" AND ").join(
        sql.SQL("r.{name} = s.{name}").format(name=sql.Identifier(name)) for name in staged.dataset.key
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO {bad} SELECT s._line, ARRAY['主键已入库 (the key is loaded already)'], s.ctid"
            " FROM {typed} AS s WHERE EXISTS (SELECT FROM {raw} AND {same_key})"
            " AND NOT EXISTS (SELECT FROM {bad} AS b WHERE b._line = s._line)"
        ).format(bad=staged.bad, typed=staged.typed, raw=raw, same_key=same_key)
    )
    recover_bad_records(connection, staged)
    return standing


def _quarantine(connection: psycopg.Connection, batch: Batch, staged: Staged) -> int:
    """Bad lines with their records as delivered, and records that are no rows. How many."""
    return connection.execute(
        sql.SQL(
            "INSERT INTO quarantine.rejected_row (batch_id, line, dataset, object_key, reasons, record)"
            " SELECT {batch}, t._line, {dataset}, {key},"
            "  CASE WHEN t._fault IS NULL THEN b.reasons ELSE ARRAY[t._fault] END,"
            "  CASE WHEN t._fault IS NULL"
            "  THEN to_jsonb(t) - '{{_line,_fault,_record}}'::text[] ELSE t._record END"
            " FROM {text} AS t LEFT JOIN {bad} AS b ON b._line = t._line"
            " WHERE t._fault IS NOT NULL OR b._line IS NOT NULL"
        ).format(
            batch=sql.Literal(batch.batch_id),
            dataset=sql.Literal(batch.dataset),
            key=sql.Literal(batch.object_key),
            text=staged.text,
            bad=staged.bad,
        )
    ).rowcount


def _take_in(connection: psycopg.Connection, batch: Batch, staged: Staged) -> int:
    """Take bad rows out of the stage table and make it a part of the raw table. How many rows it has."""
    bad = connection.execute(
        sql.SQL("DELETE FROM {} AS s USING {} AS b WHERE s.ctid = b.place").format(staged.typed, staged.bad)
    ).rowcount
    connection.execute("SELECT raw.take_in(%s)", (batch.batch_id,))
    return staged.rows_in - staged.faults - bad


def _load(connection: psycopg.Connection, batch: Batch, staged: Staged) -> int:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in staged.dataset.columns)
    some_bad = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(staged.bad)).fetchone()
    good: sql.Composable = sql.SQL("")
    if some_bad == (True,):
        good = sql.SQL(" WHERE NOT EXISTS (SELECT FROM {} AS b WHERE b._line = s._line)").format(staged.bad)
    return connection.execute(
        sql.SQL(
            "INSERT INTO {raw} ({names},"
            " _batch_id, _line, _logical_date, _loaded_at)"
            " SELECT {names}, {batch}, _line, {day}, now() FROM {typed} AS s{good}"
        ).format(
            raw=sql.Identifier(RAW_SCHEMA, batch.dataset),
            names=names,
            batch=sql.Literal(batch.batch_id),
            day=sql.Literal(batch.logical_date),
            typed=staged.typed,
            good=good,
        )
    ).rowcount


def _write_results(connection: psycopg.Connection, batch: Batch, results: list[RuleResult]) -> None:
    """The results of this gate, and the work orders that follow from them."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO meta.gate_result"
            " (batch_id, rule_id, rule_kind, column_name, card, unexpected_rows, evaluated_rows, detail)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    batch.batch_id,
                    result.rule_id,
                    result.rule_kind,
                    result.column_name,
                    result.card.value if result.card else None,
                    result.unexpected_rows,
                    result.evaluated_rows,
                    Jsonb(result.detail),
                )
                for result in results
            ],
        )
    write_orders(connection, batch.batch_id, batch.dataset)


def _finish(
    connection: psycopg.Connection,
    batch: Batch,
    state: str,
    judgement: Judgement,
    rows_in: int,
    loaded: int,
    quarantined: int,
    rejected: int,
) -> None:
    connection.execute(
        "UPDATE meta.batch SET state = %s, card = %s, reason = %s, rows_in = %s,"
        " rows_loaded = %s, rows_quarantined = %s,"
        " rows_rejected = %s, gated_at = now(), settled_at = CASE WHEN %s THEN NULL ELSE now() END,"
        " claimed_by = NULL, claim_expires_at = NULL WHERE batch_id = %s",
        (
            state,
            judgement.card.value,
            judgement.reason,
            rows_in,
            loaded,
            quarantined,
            rejected,
            state == "held",
            batch.batch_id,
        ),
    )
