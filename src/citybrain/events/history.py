"""Writing the past: cases that ended, or stand open, before the platform kept them, set by set.

A batch is written whole or not at all, once: its key stands in `ops.case_history` in the same transaction.
Every case went through the rules before (`replay`). Instead of an entry for each step, the ledger gets one
for each batch, with the hash of all its steps as the tables hold them; `batch_hash` computes it again. Nobody
is told.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from citybrain import ledger
from citybrain.events.models import HistoryBatch, Origin
from citybrain.events.replay import Posts, Replay, Replayed
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system
from citybrain.events.told import HistoryRefusedError, ToldCase

_TABLES = """
CREATE TEMPORARY TABLE told_case (
    place integer, number text, scenario text, class_code text, class_scheme text, class_version text,
    class_big text, class_small text, title text, place_id text, place_name text, area_code text,
    source_kind text, source_id text, zone text, state text, lead_id bigint, handler_id bigint,
    urgent boolean, found_at timestamptz, filed_at timestamptz, deadline_at timestamptz,
    handled_at timestamptz, closed_at timestamptz, sightings integer, rework_count integer, version integer
) ON COMMIT DROP;
CREATE TEMPORARY TABLE told_step (
    place integer, version integer, from_state text, to_state text, action text, organisation_id bigint,
    reason text, at timestamptz, data jsonb
) ON COMMIT DROP;
CREATE TEMPORARY TABLE told_clock (
    place integer, stage text, state text, unit text, budget numeric, consumed_seconds integer,
    started_at timestamptz, due_at timestamptz, stopped_at timestamptz, overdue boolean, provisional boolean,
    level integer, handler_id bigint
) ON COMMIT DROP
"""
_CASES = """
INSERT INTO ops.event_case (number, scenario, class_code, class_scheme, class_version, class_big, class_small,
    title, place_id, place_name, area_code, grid_code, source_kind, source_kinds, source_id, zone, state,
    lead_id, handler_id, urgent, found_at, filed_at, deadline_at, handled_at, closed_at, sightings,
    last_seen_at, rework_count, origin, version)
SELECT number, scenario, class_code, class_scheme, class_version, class_big, class_small,
    title, place_id, place_name, area_code, '', source_kind, jsonb_build_array(source_kind), source_id, zone,
    state, lead_id, handler_id, urgent, found_at, filed_at, deadline_at, handled_at, closed_at, sightings,
    found_at, rework_count, %s, version
FROM told_case ORDER BY place;
CREATE TEMPORARY TABLE told_id ON COMMIT DROP AS
SELECT told_case.place, c.id AS case_id FROM told_case JOIN ops.event_case c USING (number);
ANALYZE told_id
"""
_STEPS = """
INSERT INTO ops.transition (case_id, version, from_state, to_state, action, organisation_id, reason,
    rules_version, at, data)
SELECT case_id, version, from_state, to_state, action, organisation_id, reason, %s, at, data
FROM told_step JOIN told_id USING (place)
"""
_CLOCKS = """
INSERT INTO ops.clock (case_id, stage, state, unit, budget, consumed_seconds, started_at, due_at, stopped_at,
    overdue, provisional, level, handler_id)
SELECT case_id, stage, state, unit, budget, consumed_seconds, started_at, due_at, stopped_at, overdue,
    provisional, level, handler_id
FROM told_clock JOIN told_id USING (place)
"""
# One line a step, whatever the order of rows: the same rows give the same hash.
_HASH = """
SELECT encode(sha256(coalesce(string_agg(
    concat_ws('|', c.number, t.version, t.from_state, t.to_state, t.action, t.organisation_id,
        extract(epoch FROM t.at), t.reason, t.data),
    E'\\n' ORDER BY c.number COLLATE "C", t.version), '')::bytea), 'hex')
FROM ops.transition t JOIN ops.event_case c ON c.id = t.case_id
WHERE c.number = ANY(%s)
"""


@dataclass(frozen=True)
class Written:
    """What one batch holds; `fresh` is false where it had been written before."""

    key: str
    cases: int
    steps: int
    clocks: int
    sha256: str
    fresh: bool


def write_history(
    key: str, cases: Sequence[ToldCase], as_of: datetime, origin: Origin = Origin.SYNTHETIC
) -> Written:
    """Write a batch of told cases as they stand at `as_of` (aware), or say that it stands already.

    `key` is the batch's own for good: a second call with it writes nothing, and is refused where it tells
    other cases. Raises HistoryRefusedError for a step that the rules do not allow; then nothing is written.
    """
    (written,) = write_histories([(key, cases)], as_of, origin)
    return written


def write_histories(
    batches: Iterable[tuple[str, Sequence[ToldCase]]], as_of: datetime, origin: Origin = Origin.SYNTHETIC
) -> Iterator[Written]:
    """`write_history` for many batches, in their order: one is taken through the rules while the one before
    it is written.
    """
    with as_system():
        replay = Replay(known_posts(), as_of)
        standing = set(HistoryBatch.objects.values_list("key", flat=True))
    with ThreadPoolExecutor(1, "history") as other:
        told = iter(batches)
        following = other.submit(_next, told, replay, standing)
        while (batch := following.result()) is not None:
            following = other.submit(_next, told, replay, standing)
            try:
                yield _write(batch, as_of, origin)
            except BaseException:
                following.cancel()
                raise


@dataclass(frozen=True)
class _Batch:
    """A batch after the rules; `refused` says why where they do not allow it."""

    key: str
    told: Sequence[ToldCase]
    sha256: str
    replayed: list[Replayed]
    refused: HistoryRefusedError | None


def _next(
    told: Iterator[tuple[str, Sequence[ToldCase]]], replay: Replay, standing: set[str]
) -> _Batch | None:
    """The next batch, taken through the rules unless it stands already; touches no table."""
    batch = next(told, None)
    if batch is None:
        return None
    key, cases = batch
    replayed: list[Replayed] = []
    refused = None
    try:
        replayed = [] if key in standing else [replay(case) for case in cases]
    except HistoryRefusedError as error:
        refused = error
    return _Batch(key, cases, _told_hash(cases), replayed, refused)


def _write(batch: _Batch, as_of: datetime, origin: Origin) -> Written:
    """One batch, in one transaction. Raises HistoryRefusedError."""
    cases, replayed = batch.told, batch.replayed
    with as_system():
        if (known := _known(batch.key, batch.sha256)) is not None:
            return known
        if batch.refused is not None:
            raise batch.refused
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            _copy(cursor, "told_case", (_case_row(place, case) for place, case in enumerate(replayed)))
            _copy(cursor, "told_step", _step_rows(replayed, batch.key))
            _copy(cursor, "told_clock", _clock_rows(replayed))
            cursor.execute(_CASES, [origin.value])
            cursor.execute(_STEPS, [load_rules().version])
            cursor.execute(_CLOCKS)
        written = HistoryBatch.objects.create(
            key=batch.key,
            told_sha256=batch.sha256,
            sha256=batch_hash([told.number for told in cases]),
            cases=len(cases),
            steps=sum(len(case.moves) for case in replayed),
            clocks=sum(len(case.clocks) for case in replayed),
            as_of=as_of,
            written_at=timezone.now(),
            origin=origin,
        )
        _record(written, cases)
    return _told_of(written, fresh=True)


def known_posts() -> Posts:
    """The organisations and roles that the desk knows now."""
    organisations = apps.get_model("accounts.Organisation").objects.all()
    groups = Group.objects.prefetch_related("permissions__content_type")
    return Posts(
        {organisation.code: organisation for organisation in organisations},
        {
            group.name: frozenset(
                f"{permission.content_type.app_label}.{permission.codename}"
                for permission in group.permissions.all()
            )
            for group in groups
        },
    )


def batch_hash(numbers: Sequence[str]) -> str:
    """SHA-256 (hex) of every step of these cases as the tables hold it."""
    with connection.cursor() as cursor:
        cursor.execute(_HASH, [list(numbers)])
        return str(cursor.fetchone()[0])


def _told_hash(cases: Sequence[ToldCase]) -> str:
    """SHA-256 (hex) of what is told."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(case).encode())
    return digest.hexdigest()


def _known(key: str, told_sha256: str) -> Written | None:
    """The batch that stands under this key. Raises HistoryRefusedError when it tells something else."""
    batch = HistoryBatch.objects.filter(key=key).first()
    if batch is None:
        return None
    if batch.told_sha256 != told_sha256:
        raise HistoryRefusedError(f"batch {key} was written on {batch.written_at:%Y-%m-%d} with other cases")
    return _told_of(batch, fresh=False)


def _told_of(batch: HistoryBatch, fresh: bool) -> Written:
    return Written(batch.key, batch.cases, batch.steps, batch.clocks, batch.sha256, fresh)


def _copy(cursor: Any, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _case_row(place: int, case: Replayed) -> tuple[Any, ...]:
    told, filing = case.told, case.filing
    return (
        place,
        told.number,
        told.scenario,
        filing.rule.class_code,
        filing.scheme,
        filing.version,
        filing.rule.big,
        filing.rule.small,
        f"{filing.title}：{told.place_name}" if told.place_name else filing.title,
        told.place_id,
        told.place_name,
        told.area_code,
        told.source_kind,
        told.source_id,
        told.zone,
        case.state,
        case.lead.pk,
        case.handler_id,
        filing.rule.urgent,
        told.found_at,
        case.filed_at,
        case.deadline_at,
        case.handled_at,
        case.closed_at,
        told.sightings,
        case.rework_count,
        case.version,
    )


def _step_rows(cases: list[Replayed], key: str) -> Iterator[tuple[Any, ...]]:
    texts: dict[int, str] = {}  # moves are shared by cases that are alike
    for place, case in enumerate(cases):
        for move, told in zip(case.moves, case.told.steps, strict=True):
            if id(move) not in texts:
                texts[id(move)] = json.dumps({**move.data, "history": key}, ensure_ascii=False)
            yield (
                place,
                move.version,
                move.from_state,
                move.step.leads_to(move.from_state),
                told.action,
                move.organisation_id,
                told.reason,
                told.at,
                texts[id(move)],
            )


def _clock_rows(cases: list[Replayed]) -> Iterator[tuple[Any, ...]]:
    for place, case in enumerate(cases):
        for clock in case.clocks:
            yield (
                place,
                clock.stage,
                str(clock.state),
                clock.unit,
                clock.budget,
                clock.consumed_seconds,
                clock.started_at,
                clock.due_at,
                clock.stopped_at,
                clock.overdue,
                clock.provisional,
                clock.level,
                clock.handler_id,
            )


def _record(batch: HistoryBatch, cases: Sequence[ToldCase]) -> None:
    """The batch's one entry on the ledger; the transaction's last statement, since it holds the chain."""
    payload = {
        "history": batch.key,
        "cases": batch.cases,
        "steps": batch.steps,
        "clocks": batch.clocks,
        "first": min((told.number for told in cases), default=None),
        "last": max((told.number for told in cases), default=None),
        "sha256": batch.sha256,
        "told_sha256": batch.told_sha256,
        "as_of": batch.as_of.isoformat(),
        "origin": str(batch.origin),
    }
    ledger.append(connection.connection, "case_history", f"case_history:{batch.key}", payload)
