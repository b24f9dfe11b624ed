"""One sweep: every rule that is due looks at what arrived since the last time, in one transaction a rule.

A second sweep of the same rule waits for the first; a kill at any point leaves the rule as it stood before.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from croniter import croniter
from psycopg.rows import dict_row

from citybrain.sensing.arrivals import Arrivals
from citybrain.sensing.compiler import compile_reading
from citybrain.sensing.rows import find_rows, state_of
from citybrain.sensing.rule_file import ReadingRule, RowsRule, RuleFile, SilenceRule
from citybrain.sensing.scope import fill_scope
from citybrain.sensing.settle import Told, settle
from citybrain.sensing.silences import compile_silence
from citybrain.sensing.spells import FOUND_COLUMNS
from citybrain.sensing.statement import Relations, Statement
from citybrain.sensing.telling import AnyRule, Signal
from citybrain.sensing.tracks import measure
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
STATEMENT_TIMEOUT = timedelta(seconds=60)
KEPT = timedelta(days=90)
CITY_TIME = ZoneInfo("Asia/Shanghai")

# They go with the transaction; but a sweep may be one of several in a transaction.
CLEAN = (
    "DROP TABLE IF EXISTS pg_temp.scope, pg_temp.carried, pg_temp.found, pg_temp.kept, pg_temp.picked,"
    " pg_temp.standing"
)
BEFORE = "SELECT * FROM sensing.swept WHERE detector = %s AND rule = %s"
SWEPT = """
INSERT INTO sensing.swept (detector, rule, rule_sha256, arrived_until, reference_until, fingerprint, clock)
VALUES (%(detector)s, %(rule)s, %(sha)s, %(arrived)s, %(reference)s, %(fingerprint)s, %(clock)s)
ON CONFLICT (detector, rule) DO UPDATE SET rule_sha256 = excluded.rule_sha256,
    arrived_until = excluded.arrived_until, reference_until = excluded.reference_until,
    fingerprint = excluded.fingerprint, clock = excluded.clock, swept_at = now()
"""
LOGGED = """
INSERT INTO sensing.sweep (detector, rule, clock, subjects, rows_too_late, detected, cleared, seconds)
VALUES (%s, %s, %s, (SELECT count(*) FROM pg_temp.scope), %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class RuleSwept:
    """What came of one rule; `state`: swept, unchanged, or why it could not be swept."""

    detector: str
    rule: str
    state: str
    seconds: float = 0.0
    signals: list[Signal] = field(default_factory=list)

    @property
    def detected(self) -> int:
        return Told(self.signals).detected

    @property
    def cleared(self) -> int:
        return Told(self.signals).cleared


def sweep_city(settings: Settings, files: Iterable[RuleFile], now: datetime | None = None) -> list[RuleSwept]:
    """Sweep every rule of `files`; with `now` only those with a tick since they were last swept.

    A rule whose relation is not there yet, or not open to the sensor, or that breaks, keeps no other from
    being swept.
    """
    done: list[RuleSwept] = []
    with connect(
        settings, DatabaseRole.SENSOR, "citybrain sweep", STATEMENT_TIMEOUT, autocommit=True
    ) as city:
        for file in files:
            if now is None or _is_due(city, file, now):
                done += _measure(settings, file)
                done += [sweep_rule(city, file, rule) for rule in file.rules]
        city.execute("DELETE FROM sensing.sweep WHERE swept_at < now() - %s", (KEPT,))
    return done


def _measure(settings: Settings, file: RuleFile) -> list[RuleSwept]:
    """New points before the rules that read them: nothing to tell, or why they could not be measured.

    Without a register there is nothing to measure against; the rules go on with the points there are.
    """
    try:
        if points := measure(settings, file):
            log.info("%s: %d points measured", file.id, points)
    except psycopg.errors.UndefinedTable as error:
        return [RuleSwept(file.id, "tracks", f"waits: {error.diag.message_primary}")]
    except psycopg.Error as error:
        log.exception("%s: points could not be measured", file.id)
        return [RuleSwept(file.id, "tracks", f"failed: {error.diag.message_primary or error}")]
    return []


def sweep_rule(
    city: Connection, file: RuleFile, rule: AnyRule, stand_ins: Relations | None = None
) -> RuleSwept:
    """One rule in one transaction."""
    started = time.monotonic()
    try:
        with city.transaction():
            city.execute("SELECT pg_advisory_xact_lock(hashtext('sweep ' || %s))", (f"{file.id}/{rule.id}",))
            told = _sweep(city, file, rule, started, stand_ins or {})
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
        return RuleSwept(file.id, rule.id, f"waits: {error.diag.message_primary}")
    except psycopg.Error as error:
        log.exception("%s/%s could not be swept", file.id, rule.id)
        return RuleSwept(file.id, rule.id, f"failed: {error.diag.message_primary or error}")
    seconds = round(time.monotonic() - started, 3)
    if told is None:
        return RuleSwept(file.id, rule.id, "unchanged", seconds=seconds)
    return RuleSwept(file.id, rule.id, "swept", seconds, told.signals)


def _sweep(
    city: Connection, file: RuleFile, rule: AnyRule, started: float, stand_ins: Relations
) -> Told | None:
    """None when there is nothing new."""
    sha = file.sha256(rule)
    city.execute(CLEAN)
    before = city.cursor(row_factory=dict_row).execute(BEFORE, (file.id, rule.id)).fetchone()
    if before is not None and before["rule_sha256"] != sha:
        before = None  # a rule that was changed looks anew
    state: dict[str, Any] = {
        "detector": file.id,
        "rule": rule.id,
        "sha": sha,
        "arrived": None,
        "reference": None,
    }
    late = 0
    if isinstance(rule, RowsRule):
        clock, fingerprint = state_of(city, rule, stand_ins)
        if clock is None and before is not None:
            clock = before["clock"]  # the table was emptied: what stood there is gone
        if clock is None or (before is not None and before["fingerprint"] == fingerprint):
            return None
        make_found(city)
        find_rows(city, file, rule, clock, stand_ins)
        state |= {"fingerprint": fingerprint, "clock": clock}
    else:
        scoped = fill_scope(city, file, rule, before, stand_ins)
        if scoped is None:
            return None
        arrivals, late = scoped
        find_spells(city, file, rule, arrivals.clock, stand_ins)
        clock = arrivals.clock
        state |= _arrived(arrivals)
    told = settle(city, file, rule, clock, stand_ins)
    city.execute(SWEPT, state)
    spent = round(time.monotonic() - started, 3)
    city.execute(LOGGED, (file.id, rule.id, clock, late, told.detected, told.cleared, spent))
    return told


def _arrived(arrivals: Arrivals) -> dict[str, object]:
    return {
        "arrived": arrivals.arrived_until,
        "reference": arrivals.reference_until,
        "fingerprint": None,
        "clock": arrivals.clock,
    }


def make_found(city: Connection) -> None:
    city.execute(f"CREATE TEMP TABLE found ({FOUND_COLUMNS}) ON COMMIT DROP".encode())


def find_spells(
    city: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule,
    clock: datetime,
    stand_ins: Relations | None = None,
) -> None:
    """Make `found` from the rows of the scope."""
    make_found(city)
    statement = Statement(dict(stand_ins or {}))
    if isinstance(rule, ReadingRule):
        query = compile_reading(statement, rule, file.register, clock)
    else:
        query = compile_silence(statement, rule, file.register, clock)
    city.execute("ANALYZE pg_temp.scope")
    city.execute(query, statement.parameters)


def _is_due(city: Connection, file: RuleFile, now: datetime) -> bool:
    """Whether a tick of the file's schedule lies between its last sweep and now."""
    row = city.execute("SELECT max(swept_at) FROM sensing.swept WHERE detector = %s", (file.id,)).fetchone()
    if row is None or row[0] is None:
        return True
    tick: datetime = croniter(file.schedule, now.astimezone(CITY_TIME)).get_prev(datetime)
    swept: datetime = row[0]
    return tick > swept
