"""The match run: every item in force against every enterprise, one SQL statement an item, as role `matcher`.

All of a run is one transaction that sees one state of the facts: it stands whole or it never was. A run whose
rules, facts, day, code and earlier awards are those of the newest run is not made again.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from citybrain import __version__
from citybrain.policy.compiler import Statement, compile_rule, insert_statement
from citybrain.policy.facts import Facts, load_facts
from citybrain.policy.publishing import publish, stored_rule
from citybrain.policy.rule import Rule
from citybrain.policy.settlement import settle
from citybrain.policy.snapshot import keep_snapshot, read_facts
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

STATEMENT_TIMEOUT = timedelta(minutes=5)
LOCK = "citybrain policy match"
CITY_ZONE = ZoneInfo("Asia/Shanghai")

Connection = psycopg.Connection[Any]

IN_FORCE = """
SELECT v.item_version_id, v.item_id, i.title, v.sha256, v.definition, v.payable
FROM policy.item_version v JOIN policy.item i USING (item_id)
WHERE v.withdrawn_at IS NULL AND v.valid_from <= %(day)s AND (v.valid_to IS NULL OR v.valid_to >= %(day)s)
ORDER BY v.item_id
"""
NEWEST = """
SELECT run_id FROM policy.match_run
WHERE run_id = (SELECT max(run_id) FROM policy.match_run)
    AND (rules_sha256, sql_sha256, facts_sha256, awards_seen, code_version) = (%s, %s, %s, %s, %s)
"""
RUN = """
INSERT INTO policy.match_run (run_id, as_of, started_at, finished_at, rules_sha256, sql_sha256, facts_sha256,
    facts_object_key, facts_as_of, awards_seen, code_version, items, enterprises, eligible, needs_data, near,
    firms_found, yuan_proposed)
OVERRIDING SYSTEM VALUE
VALUES (%s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
RUN_ITEM = """
INSERT INTO policy.match_run_item
    (run_id, item_version_id, sql_sha256, sql_text, eligible, needs_data, near, seconds)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
COUNTS = """
SELECT count(*) FILTER (WHERE status = 'eligible'), count(*) FILTER (WHERE status = 'needs_data'),
    count(*) FILTER (WHERE status = 'near')
FROM policy.match_result WHERE run_id = %s AND item_version_id = %s
"""
FOUND = """
SELECT count(DISTINCT uscc), coalesce(sum(amount), 0) FROM policy.proposal
WHERE run_id = %s AND outcome = 'pay'
"""


class MatchError(RuntimeError):
    """The run cannot be made; the message says what to do."""


class NoFactsError(MatchError):
    """The warehouse has not been built yet."""


@dataclass(frozen=True)
class ItemInForce:
    """A published version that holds on the day of the run."""

    item_version_id: int
    item_id: str
    title: str
    sha256: str
    payable: bool
    rule: Rule
    statement: Statement


@dataclass(frozen=True)
class ItemCount:
    """What one item found. Counts are enterprises."""

    item_version_id: int
    item_id: str
    title: str
    payable: bool
    eligible: int
    needs_data: int
    near: int
    seconds: float


@dataclass(frozen=True)
class MatchReport:
    """`run_id` is that of the newest run when nothing had changed (`made` false), None in a rehearsal."""

    run_id: int | None
    made: bool
    as_of: date
    enterprises: int
    items: list[ItemCount]
    firms_found: int
    yuan_proposed: Decimal
    seconds: float


OnItem = Callable[[int, int, ItemCount], None]


def match(
    settings: Settings, as_of: date | None = None, dry_run: bool = False, on_item: OnItem | None = None
) -> MatchReport:
    """Publish the files, then match. `as_of`: default today in Asia/Shanghai. `dry_run` writes no run.

    Raises ContentError for a wrong file, NoFactsError before the first build, psycopg.Error.
    """
    publish(settings)
    day = as_of or datetime.now(CITY_ZONE).date()
    facts = load_facts(settings)
    began = time.monotonic()
    with matcher(settings) as connection:
        _require_facts(connection)
        items = items_in_force(connection, day)
        facts_sha256, enterprises, content = read_facts(connection, facts)
        awards = _one(connection, "SELECT count(*) FROM policy.award")
        identity = (_rules_hash(items), _sql_hash(items), facts_sha256, awards, code_version())
        newest = connection.execute(NEWEST, identity).fetchone()
        if newest is not None and not dry_run:
            return stored_report(connection, newest[0], made=False)
        run_id = _one(connection, "SELECT nextval('policy.match_run_run_id_seq')")
        counts = _match_items(connection, run_id, items, on_item)
        settle(connection, run_id, day)
        firms, proposed = cast(tuple[int, Decimal], connection.execute(FOUND, (run_id,)).fetchone())
        report = MatchReport(
            run_id=None if dry_run else run_id,
            made=not dry_run,
            as_of=day,
            enterprises=enterprises,
            items=counts,
            firms_found=firms,
            yuan_proposed=proposed,
            seconds=round(time.monotonic() - began, 3),
        )
        if dry_run:
            connection.rollback()
            return report
        key = keep_snapshot(settings, facts_sha256, content)
        _write_manifest(connection, identity, key, report, _facts_as_of(connection, facts))
        _write_items(connection, run_id, items, counts)
    return report


def matcher(settings: Settings) -> Connection:
    """A session of role `matcher`, one at a time, whose transaction sees one state of everything.

    Its search path is fixed, the catalogue first and temporary tables last: nobody can slip in a function or
    a facts table.
    """
    connection = connect(settings, DatabaseRole.MATCHER, LOCK, STATEMENT_TIMEOUT)
    connection.execute("SET search_path = pg_catalog, marts, pg_temp")
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (LOCK,))  # let go when the session ends
    connection.commit()  # what the one before wrote is seen by the transaction that begins now
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def items_in_force(connection: Connection, day: date) -> list[ItemInForce]:
    """The versions that hold on `day`, compiled, in order of item."""
    found = []
    for version_id, item_id, title, sha256, definition, payable in connection.execute(
        IN_FORCE, {"day": day}
    ).fetchall():
        rule = stored_rule(definition)
        found.append(ItemInForce(version_id, item_id, title, sha256, payable, rule, compile_rule(rule, day)))
    return found


def _match_items(
    connection: Connection, run_id: int, items: Sequence[ItemInForce], on_item: OnItem | None
) -> list[ItemCount]:
    counts: list[ItemCount] = []
    for place, item in enumerate(items, 1):
        began = time.monotonic()
        connection.execute(sql.SQL(insert_statement(item.statement, run_id, item.item_version_id)))
        seconds = round(time.monotonic() - began, 4)
        row = connection.execute(COUNTS, (run_id, item.item_version_id)).fetchone()
        eligible, needs_data, near = cast(tuple[int, int, int], row)
        counts.append(
            ItemCount(
                item.item_version_id,
                item.item_id,
                item.title,
                item.payable,
                eligible,
                needs_data,
                near,
                seconds,
            )
        )
        if on_item is not None:
            on_item(place, len(items), counts[-1])
    return counts


def _write_manifest(
    connection: Connection,
    identity: tuple[str, str, str, int, str],
    key: str,
    report: MatchReport,
    facts_as_of: datetime | None,
) -> None:
    rules_sha256, sql_sha256, facts_sha256, awards, code = identity
    started = datetime.now(CITY_ZONE) - timedelta(seconds=report.seconds)
    connection.execute(
        RUN,
        (report.run_id, report.as_of, started, rules_sha256, sql_sha256, facts_sha256, key, facts_as_of,
         awards, code,
         len(report.items), report.enterprises, sum(item.eligible for item in report.items),
         sum(item.needs_data for item in report.items), sum(item.near for item in report.items),
         report.firms_found, report.yuan_proposed),
    )  # fmt: skip


def _write_items(
    connection: Connection, run_id: int, items: Sequence[ItemInForce], counts: Sequence[ItemCount]
) -> None:
    rows = [
        (run_id, item.item_version_id, item.statement.sha256, item.statement.sql, count.eligible,
         count.needs_data, count.near, count.seconds)
        for item, count in zip(items, counts, strict=True)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(RUN_ITEM, rows)


def stored_report(connection: Connection, run_id: int, made: bool) -> MatchReport:
    """The report of a run that stands. Raises MatchError when there is none of that number."""
    row = connection.execute(
        "SELECT as_of, enterprises, firms_found, yuan_proposed,"
        " extract(epoch FROM finished_at - started_at)::float FROM policy.match_run WHERE run_id = %s",
        (run_id,),
    ).fetchone()
    if row is None:
        raise MatchError(f"there is no run {run_id}: `citybrain policy match` makes one")
    items = connection.execute(
        "SELECT v.item_version_id, v.item_id, i.title, v.payable, r.eligible, r.needs_data, r.near, r.seconds"
        " FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id)"
        " JOIN policy.item i USING (item_id) WHERE r.run_id = %s ORDER BY v.item_id",
        (run_id,),
    ).fetchall()
    as_of, enterprises, firms, proposed, seconds = row
    return MatchReport(
        run_id, made, as_of, enterprises, [ItemCount(*item) for item in items], firms, proposed, seconds
    )


def newest_run(connection: Connection) -> int:
    """Raises MatchError when there is none."""
    row = connection.execute("SELECT max(run_id) FROM policy.match_run").fetchone()
    if row is None or row[0] is None:
        raise MatchError("nothing has been matched yet: run `citybrain policy match`")
    return int(row[0])


def _require_facts(connection: Connection) -> None:
    if _one(connection, "SELECT to_regclass('marts.mart_enterprise_facts') IS NULL"):
        raise NoFactsError(
            "there is no table marts.mart_enterprise_facts yet: build the warehouse first"
            " (`citybrain transform build`)"
        )


def _facts_as_of(connection: Connection, facts: Facts) -> datetime | None:
    loads = sorted({fact.as_of for fact in facts.values()})
    newest = sql.SQL("SELECT greatest({}) FROM mart_enterprise_facts").format(
        sql.SQL(", ").join(sql.SQL("max({})").format(sql.Identifier(name)) for name in loads)
    )
    row = connection.execute(newest).fetchone()
    return row[0] if row else None


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - queries of exactly one row
    return row[0]


def _rules_hash(items: Sequence[ItemInForce]) -> str:
    return _hash(f"{item.item_version_id} {item.sha256}" for item in items)


def _sql_hash(items: Sequence[ItemInForce]) -> str:
    return _hash(f"{item.item_id} {item.statement.sha256}" for item in items)


def _hash(lines: Any) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def code_version() -> str:
    """The package's version and a hash of this room's code: other code may find other rows."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"
