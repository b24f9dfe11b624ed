"""The match run: every item in force against every enterprise, as role `matcher`.

A full run matches everything. An incremental one matches the enterprises whose facts changed, the items that
changed, and what time alone changes, and continues the run before it: rows hold from one run until another.
Once a day a run is a full one and proves what the incremental ones left.
All of a run is one transaction that sees one state of the facts: it stands whole or it never was. A run whose
rules, facts, day, code and earlier awards are those of the newest run is not made again.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from citybrain.policy.changes import (
    CHANGED,
    GONE,
    Earlier,
    Identity,
    Work,
    earlier_run,
    identity_of,
    work_to_do,
)
from citybrain.policy.facts import Facts, load_facts
from citybrain.policy.facts_table import NOW, PART, make_facts_now, make_part
from citybrain.policy.passes import ItemCount, OnItem, PlannedItem, run_pass
from citybrain.policy.publishing import publish
from citybrain.policy.run_report import MatchError, MatchReport, NoFactsError, newest_run, stored_report
from citybrain.policy.sessions import matcher, planned_items, same_state, stored_items
from citybrain.policy.settlement import settle, settle_changes
from citybrain.policy.snapshot import keep_snapshot, read_facts
from citybrain.policy.some_firms import match_some
from citybrain.policy.tidying import tidy
from citybrain.policy.totals import Totals, totals, totals_by_difference
from citybrain.policy.writing import (
    MANY,
    NEW_ROWS,
    ROWS,
    make_new_rows,
    merge,
    merge_standing,
    of_either,
    take_standing,
)
from citybrain.settings import Settings

__all__ = ["MatchError", "MatchReport", "NoFactsError", "match", "newest_run"]

CITY_ZONE = ZoneInfo("Asia/Shanghai")

Connection = psycopg.Connection[Any]

RUN = """
INSERT INTO policy.match_run (run_id, as_of, started_at, finished_at, rules_sha256, sql_sha256, facts_sha256,
    facts_object_key, facts_as_of, awards_seen, code_version, catalogue_sha256, items, enterprises, eligible,
    needs_data, near, firms_found, yuan_proposed, kind, base_run, changed_enterprises, changed_items,
    rows_closed, rows_added)
OVERRIDING SYSTEM VALUE
VALUES (%s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
    %s, %s, %s, %s)
"""
RUN_ITEMS = """
INSERT INTO policy.match_run_item (run_id, item_version_id, sql_sha256, eligible, needs_data, near, seconds)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])
"""
NOW_SEEN = """
INSERT INTO policy.facts_seen (uscc, first_run, row_hash)
SELECT uscc, %(run)s, row_hash FROM changed_firm WHERE new_facts
UNION ALL SELECT uscc, %(run)s, NULL FROM gone_firm
"""
TOUCHED_FIRMS = "SELECT uscc FROM changed_firm UNION ALL SELECT uscc FROM gone_firm"
NEW_AWARDS = """
SELECT DISTINCT a.uscc, v.fund_id FROM (SELECT * FROM policy.award ORDER BY award_id OFFSET %s) AS a
JOIN policy.item_version v USING (item_version_id)
"""


def match(
    settings: Settings,
    as_of: date | None = None,
    dry_run: bool = False,
    on_item: OnItem | None = None,
    full: bool = False,
) -> MatchReport:
    """Publish the files, then match. `as_of`: default today in Asia/Shanghai. `dry_run` writes no run.

    `full`: match everything, though only a part changed; what an incremental run got wrong would show as
    closed and added rows. Raises ContentError for a wrong file, NoFactsError before the first build,
    psycopg.Error.
    """
    publish(settings)
    report = _run(settings, as_of or datetime.now(CITY_ZONE).date(), dry_run, on_item, full)
    if report.made and report.kind == "full":
        began = time.monotonic()
        tidy(settings)
        return replace(report, phases={**report.phases, "tidying": _since(began)})
    return report


def _run(settings: Settings, day: date, dry_run: bool, on_item: OnItem | None, full: bool) -> MatchReport:
    """In one transaction."""
    facts = load_facts(settings)
    began = time.monotonic()
    with matcher(settings) as writer:
        _require_facts(writer)
        with ThreadPoolExecutor(1, thread_name_prefix="policy-plans") as pool:
            planned = pool.submit(planned_items, stored_items(writer, day))
            enterprises = make_facts_now(writer, facts, day)  # PostgreSQL is busy while plans are read here
            items = planned.result()
        identity = identity_of(writer, items, facts)
        earlier = earlier_run(writer)
        if earlier and earlier.as_of == day and earlier.identity == identity and not (dry_run or full):
            return stored_report(writer, earlier.run_id, made=False)
        work = work_to_do(writer, items, enterprises, identity, earlier, day, full)
        if work.kind == "unchanged" and earlier is not None and not dry_run:
            return stored_report(writer, earlier.run_id, made=False)
        phases = {"facts": _since(began)}
        run_id = _one(writer, "SELECT nextval('policy.match_run_run_id_seq')")
        everybody = partial(_match_everybody, settings, writer, facts, day, enterprises, run_id, on_item)
        if work.kind == "full":
            closed, added, counts = _find_all(writer, run_id, items, everybody)
        else:
            closed, added, counts = _find_changes(writer, run_id, items, work, facts, day, earlier, everybody)
        phases["matching"] = _since(began) - phases["facts"]
        if work.kind == "full":
            writer.execute("ANALYZE policy.match_row (item_version_id, uscc, status, until_run)")
        found = _settle(writer, run_id, day, work, earlier, identity)
        if work.kind == "full":
            writer.execute("ANALYZE policy.proposal_row (item_version_id, uscc, outcome, until_run)")
        phases["settling"] = _since(began) - sum(phases.values())
        if dry_run:
            writer.rollback()
            return MatchReport(
                None, False, day, enterprises, counts, found.firms, found.yuan, _since(began), work.kind,
                work.changed_enterprises, len(work.items), closed, added,
            )  # fmt: skip
        writer.execute(NOW_SEEN, {"run": run_id})
        incremental = work.kind == "incremental"
        snapshot = read_facts(writer, facts, PART if incremental else NOW, GONE if incremental else None)
        key = keep_snapshot(settings, snapshot)
        started = datetime.now(CITY_ZONE) - timedelta(seconds=_since(began))
        seconds = {count.item_version_id: count.seconds for count in counts}
        by_status = [[found.of(item.item_version_id)[one] for item in items] for one in range(3)]
        writer.execute(
            RUN,
            (run_id, day, started, identity.rules_sha256, identity.sql_sha256, identity.facts_sha256, key,
             _facts_as_of(writer, facts), identity.awards, identity.code, identity.catalogue_sha256,
             len(items),
             enterprises, *map(sum, by_status), found.firms, found.yuan, work.kind,
             earlier.run_id if incremental and earlier else None,
             work.changed_enterprises, len(work.items), closed, added),
        )  # fmt: skip
        writer.execute(
            RUN_ITEMS,
            (run_id, [item.item_version_id for item in items], [item.plan_sha256 for item in items],
             *by_status, [seconds.get(item.item_version_id, 0.0) for item in items]),
        )  # fmt: skip
        phases["keeping"] = _since(began) - sum(phases.values())
        return replace(stored_report(writer, run_id, made=True), phases=phases)


# Finding

MatchEverybody = Callable[[Sequence[PlannedItem], str], list[ItemCount]]


def _match_everybody(
    settings: Settings,
    writer: Connection,
    facts: Facts,
    day: date,
    enterprises: int,
    run_id: int,
    on_item: OnItem | None,
    items: Sequence[PlannedItem],
    target: str,
) -> list[ItemCount]:
    """Write the rows of some items for every enterprise, a second session reading beside the first."""
    if not items:
        return []
    with same_state(settings, writer) as reader:
        make_facts_now(reader, facts, day, hashed=False)
        return run_pass(writer, reader, NOW, enterprises, items, target, run_id, on_item)


def _find_all(
    writer: Connection, run_id: int, items: list[PlannedItem], everybody: MatchEverybody
) -> tuple[int, int, list[ItemCount]]:
    """Write the rows of a full run. Returns rows closed and added, and the counts of its items."""
    if not _one(writer, "SELECT EXISTS (SELECT FROM policy.match_row WHERE until_run IS NULL)"):
        counts = everybody(items, ROWS)
        return 0, sum(count.eligible + count.needs_data + count.near for count in counts), counts
    make_new_rows(writer)
    counts = everybody(items, NEW_ROWS)
    return *merge(writer, run_id), counts


def _find_changes(
    writer: Connection,
    run_id: int,
    items: list[PlannedItem],
    work: Work,
    facts: Facts,
    day: date,
    earlier: Earlier | None,
    everybody: MatchEverybody,
) -> tuple[int, int, list[ItemCount]]:
    """Write the rows of changed items, then those of changed enterprises. Returns what `_find_all` does, the
    counts of the changed items."""
    matched = {item.item_version_id for item in work.items}
    others = [item for item in items if item.item_version_id not in matched]
    touched = [row[0] for row in writer.execute(TOUCHED_FIRMS).fetchall()]
    scope = of_either([*matched, *work.dropped], touched)
    make_new_rows(writer)
    counts = everybody(work.items, NEW_ROWS)
    rows = make_part(writer, facts, day, CHANGED)
    known = earlier.counts if earlier else {}
    near = {item.item_version_id: known.get(item.item_version_id, (0, 0, 0))[2] for item in others}
    cut = [item.item_version_id for item in others if near[item.item_version_id] >= item.plan.keep]
    read_standing = partial(take_standing, writer, scope, many=len(touched) > MANY)
    match_some(writer, PART, rows, others, cut, NEW_ROWS, run_id, read_standing)
    return *merge_standing(writer, run_id), counts


def _settle(
    connection: Connection, run_id: int, day: date, work: Work, earlier: Earlier | None, identity: Identity
) -> Totals:
    if work.kind == "full" or earlier is None:
        settle(connection, run_id, day)
        return totals(connection)
    awarded: list[tuple[str, str | None]] = []
    if identity.awards != earlier.identity.awards:
        awarded = connection.execute(NEW_AWARDS, (earlier.identity.awards,)).fetchall()
    firms_alone = not (work.items or work.dropped or awarded)
    settle_changes(connection, run_id, day, awarded, firms_alone)
    return totals_by_difference(connection, run_id, earlier)


# The manifest


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


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
