"""The match run: every item in force against every enterprise, as role `matcher`.

A full run matches everything. An incremental one matches the enterprises whose facts changed, the items that
changed, and what time alone changes, and continues the run before it: rows hold from one run until another.
Once a day a run is a full one and proves what the incremental ones left.
All of a run is one transaction that sees one state of the facts: it stands whole or it never was. A run whose
rules, facts, day, code and earlier awards are those of the newest run is not made again.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from citybrain import __version__
from citybrain.policy.facts import Facts, load_facts
from citybrain.policy.facts_table import NOW, PART, digest, make_facts_now, make_part
from citybrain.policy.passes import ItemCount, OnItem, PlannedItem, flipped_by_time, run_pass
from citybrain.policy.plan import Plan
from citybrain.policy.publishing import publish
from citybrain.policy.settlement import settle
from citybrain.policy.snapshot import keep_snapshot, read_facts
from citybrain.policy.writing import NEW_ROWS, ROWS, make_new_rows, merge, takes_vectors
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

STATEMENT_TIMEOUT = timedelta(minutes=5)
LOCK = "citybrain policy match"
CITY_ZONE = ZoneInfo("Asia/Shanghai")
MOST_CHANGED = 0.2  # of the enterprises or the items; above it a full run is the shorter way
CHANGED, GONE = "changed_firm", "gone_firm"

Connection = psycopg.Connection[Any]

IN_FORCE = """
SELECT v.item_version_id, v.item_id, i.title, v.sha256, v.payable, v.plan_sha256, p.plan
FROM policy.item_version v JOIN policy.item i USING (item_id) JOIN policy.plan p ON p.sha256 = v.plan_sha256
WHERE v.withdrawn_at IS NULL AND v.valid_from <= %(day)s AND (v.valid_to IS NULL OR v.valid_to >= %(day)s)
ORDER BY v.item_version_id
"""
NEWEST = """
SELECT run_id, as_of, facts_sha256, awards_seen, code_version, catalogue_sha256, rules_sha256, sql_sha256,
    (SELECT max(finished_at) FROM policy.match_run WHERE kind = 'full') < now() - interval '1 day'
FROM policy.match_run ORDER BY run_id DESC LIMIT 1
"""
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
SELECT %s, i.version, i.sha256, coalesce(c.eligible, 0), coalesce(c.needs_data, 0), coalesce(c.near, 0),
    i.seconds
FROM unnest(%s::bigint[], %s::text[], %s::float8[]) AS i (version, sha256, seconds)
LEFT JOIN (
    SELECT item_version_id AS version, count(*) FILTER (WHERE status = 'eligible') AS eligible,
        count(*) FILTER (WHERE status = 'needs_data') AS needs_data,
        count(*) FILTER (WHERE status = 'near') AS near
    FROM policy.match_row WHERE until_run IS NULL GROUP BY item_version_id
) c USING (version)
"""
ITEMS_OF = "SELECT item_version_id, sql_sha256, near FROM policy.match_run_item WHERE run_id = %s"
FOUND = """
SELECT count(DISTINCT uscc), coalesce(sum(amount), 0) FROM policy.proposal_row
WHERE until_run IS NULL AND outcome = 'pay'
"""

SEEN = """
CREATE TEMPORARY TABLE seen_firm ON COMMIT DROP AS
SELECT uscc, row_hash FROM (
    SELECT DISTINCT ON (uscc) uscc, row_hash FROM policy.facts_seen ORDER BY uscc, first_run DESC
) AS newest WHERE row_hash IS NOT NULL
"""
CHANGES = """
CREATE TEMPORARY TABLE changed_firm ON COMMIT DROP AS
SELECT n.uscc, n.row_hash, n.row_hash IS DISTINCT FROM s.row_hash AS new_facts
FROM (SELECT *, {before}::date AS before FROM facts_now) AS n LEFT JOIN seen_firm s USING (uscc)
WHERE n.row_hash IS DISTINCT FROM s.row_hash OR ({flipped})
"""
GONE_FIRMS = """
CREATE TEMPORARY TABLE gone_firm ON COMMIT DROP AS
SELECT s.uscc FROM seen_firm s WHERE NOT EXISTS (SELECT FROM facts_now n WHERE n.uscc = s.uscc)
"""
NOW_SEEN = """
INSERT INTO policy.facts_seen (uscc, first_run, row_hash)
SELECT uscc, %(run)s, row_hash FROM changed_firm WHERE new_facts
UNION ALL SELECT uscc, %(run)s, NULL FROM gone_firm
"""
# A list that was cut at `keep` is ranked anew by full runs; until then only who stands in it stays in it.
KEEP_LISTS_CUT = """
DELETE FROM new_row n
WHERE n.status = 'near' AND n.item_version_id = ANY (%s) AND NOT EXISTS (
    SELECT FROM policy.match_row m WHERE m.until_run IS NULL AND m.item_version_id = n.item_version_id
        AND m.uscc = n.uscc AND m.status = 'near')
"""
NEW_AWARDS = """
SELECT DISTINCT a.uscc, v.fund_id FROM (SELECT * FROM policy.award ORDER BY award_id OFFSET %s) AS a
JOIN policy.item_version v USING (item_version_id)
"""


class MatchError(RuntimeError):
    """The run cannot be made; the message says what to do."""


class NoFactsError(MatchError):
    """The warehouse has not been built yet."""


@dataclass(frozen=True)
class MatchReport:
    """`run_id` is that of the newest run when nothing had changed (`made` false), None in a rehearsal.

    `rows_closed`, `rows_added`: result rows that differ from those of the run before. `phases`: seconds of
    reading facts, matching, settling and keeping, of a run made by this call.
    """

    run_id: int | None
    made: bool
    as_of: date
    enterprises: int
    items: list[ItemCount]
    firms_found: int
    yuan_proposed: Decimal
    seconds: float
    kind: str = "full"
    changed_enterprises: int = 0
    changed_items: int = 0
    rows_closed: int = 0
    rows_added: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """What a run depends on besides its day."""

    rules_sha256: str
    sql_sha256: str
    facts_sha256: str
    awards: int
    code: str
    catalogue_sha256: str


@dataclass(frozen=True)
class Earlier:
    """The newest run, as far as the next one asks."""

    run_id: int
    as_of: date
    identity: Identity
    plans: dict[int, str]
    near: dict[int, int]
    full_is_due: bool


@dataclass(frozen=True)
class Work:
    """What a run has to do. `items`: versions to match with every enterprise."""

    kind: str
    items: list[PlannedItem]
    dropped: list[int]
    changed_enterprises: int


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
    day = as_of or datetime.now(CITY_ZONE).date()
    facts = load_facts(settings)
    began = time.monotonic()
    with ExitStack() as sessions:
        writer = sessions.enter_context(matcher(settings))
        _require_facts(writer)
        items = items_in_force(writer, day)
        enterprises = make_facts_now(writer, facts, day)
        identity = _identity(writer, items, facts)
        earlier = _earlier(writer)
        if earlier and earlier.as_of == day and earlier.identity == identity and not (dry_run or full):
            return stored_report(writer, earlier.run_id, made=False)
        work = _work(writer, items, enterprises, identity, earlier, day, full)
        if work.kind == "unchanged" and earlier is not None and not dry_run:
            return stored_report(writer, earlier.run_id, made=False)
        reader = sessions.enter_context(_reader(settings, writer, facts, day))
        phases = {"facts": _since(began)}
        run_id = _one(writer, "SELECT nextval('policy.match_run_run_id_seq')")
        closed, added, counts = _find(
            writer, reader, run_id, items, enterprises, work, facts, day, earlier, on_item
        )
        phases["matching"] = _since(began) - phases["facts"]
        if work.kind == "full":
            writer.execute("ANALYZE policy.match_row (item_version_id, uscc, status, until_run)")
        _settle(writer, run_id, day, work, earlier, identity)
        if work.kind == "full":
            writer.execute("ANALYZE policy.proposal_row (item_version_id, uscc, outcome, until_run)")
        phases["settling"] = _since(began) - sum(phases.values())
        firms, proposed = cast(tuple[int, Decimal], writer.execute(FOUND).fetchone())
        if dry_run:
            writer.rollback()
            return MatchReport(
                None, False, day, enterprises, counts, firms, proposed, _since(began), work.kind,
                work.changed_enterprises, len(work.items), closed, added,
            )  # fmt: skip
        writer.execute(NOW_SEEN, {"run": run_id})
        incremental = work.kind == "incremental"
        snapshot = read_facts(writer, facts, PART if incremental else NOW, GONE if incremental else None)
        key = keep_snapshot(settings, snapshot)
        started = datetime.now(CITY_ZONE) - timedelta(seconds=_since(began))
        seconds = {count.item_version_id: count.seconds for count in counts}
        totals = _totals(writer)
        writer.execute(
            RUN,
            (run_id, day, started, identity.rules_sha256, identity.sql_sha256, identity.facts_sha256, key,
             _facts_as_of(writer, facts), identity.awards, identity.code, identity.catalogue_sha256,
             len(items),
             enterprises, *totals, firms, proposed, work.kind,
             earlier.run_id if incremental and earlier else None,
             work.changed_enterprises, len(work.items), closed, added),
        )  # fmt: skip
        writer.execute(
            RUN_ITEMS,
            (run_id, [item.item_version_id for item in items], [item.plan_sha256 for item in items],
             [seconds.get(item.item_version_id, 0.0) for item in items]),
        )  # fmt: skip
        phases["keeping"] = _since(began) - sum(phases.values())
        return replace(stored_report(writer, run_id, made=True), phases=phases)


def matcher(settings: Settings) -> Connection:
    """A session of role `matcher`, one at a time, whose transaction sees one state of everything.

    Its search path is fixed, the catalogue first and temporary tables last: nobody can slip in a function or
    a facts table.
    """
    connection = _session(settings)
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (LOCK,))  # let go when the session ends
    connection.commit()  # what the one before wrote is seen by the transaction that begins now
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def matcher_beside(settings: Settings) -> Connection:
    """Another session of the role, for who holds the first one."""
    connection = _session(settings)
    connection.commit()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _session(settings: Settings) -> Connection:
    connection = connect(settings, DatabaseRole.MATCHER, LOCK, STATEMENT_TIMEOUT)
    for option in (
        "search_path = pg_catalog, marts, pg_temp",
        "jit = off",  # hundreds of short statements
        "work_mem = '128MB'",
        "temp_buffers = '256MB'",
    ):
        connection.execute(sql.SQL("SET {}").format(sql.SQL(option)))
    takes_vectors(connection)
    return connection


def _reader(settings: Settings, writer: Connection, facts: Facts, day: date) -> Connection:
    """A second session that sees the same state as the first, with facts of its own."""
    snapshot = _one(writer, "SELECT pg_export_snapshot()")
    connection = matcher_beside(settings)
    connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
    make_facts_now(connection, facts, day)
    return connection


def items_in_force(connection: Connection, day: date) -> list[PlannedItem]:
    """The versions that hold on `day`, in order of version."""
    return [
        PlannedItem(version_id, item_id, title, sha256, payable, plan_sha256, Plan.from_json(plan))
        for version_id, item_id, title, sha256, payable, plan_sha256, plan in connection.execute(
            IN_FORCE, {"day": day}
        ).fetchall()
    ]


# What there is to do


def _identity(connection: Connection, items: Sequence[PlannedItem], facts: Facts) -> Identity:
    return Identity(
        _hash(f"{item.item_version_id} {item.sha256}" for item in items),
        _hash(f"{item.item_version_id} {item.plan_sha256}" for item in items),
        digest(connection),
        _one(connection, "SELECT count(*) FROM policy.award"),
        code_version(),
        catalogue_hash(facts),
    )


def catalogue_hash(facts: Facts) -> str:
    """Of the facts catalogue: other facts are other columns of a snapshot."""
    return _hash([json.dumps({name: fact.model_dump(mode="json") for name, fact in sorted(facts.items())})])


def _earlier(connection: Connection) -> Earlier | None:
    row = connection.execute(NEWEST).fetchone()
    if row is None:
        return None
    run_id, as_of, facts, awards, code, catalogue, rules, sql_hash, full_is_due = row
    items = connection.execute(ITEMS_OF, (run_id,)).fetchall()
    return Earlier(
        run_id,
        as_of,
        Identity(rules, sql_hash, facts, awards, code, catalogue or ""),
        {version: sha256 for version, sha256, _ in items},
        {version: near for version, _, near in items},
        bool(full_is_due),
    )


def _work(
    connection: Connection,
    items: list[PlannedItem],
    enterprises: int,
    identity: Identity,
    earlier: Earlier | None,
    day: date,
    full: bool,
) -> Work:
    """Full, incremental, or unchanged; makes the tables of changed and gone enterprises."""
    connection.execute(SEEN)
    flipped = flipped_by_time(items) if earlier is not None else None
    connection.execute(
        sql.SQL(CHANGES).format(
            before=sql.Literal((earlier.as_of if earlier else day).isoformat()),
            flipped=flipped or sql.SQL("false"),
        )
    )
    connection.execute(GONE_FIRMS)
    changed = int(_one(connection, "SELECT count(*) FROM changed_firm"))
    gone = int(_one(connection, "SELECT count(*) FROM gone_firm"))
    known = earlier.plans if earlier else {}
    new = [item for item in items if known.get(item.item_version_id) != item.plan_sha256]
    dropped = sorted(set(known) - {item.item_version_id for item in items})
    whole = (
        full
        or earlier is None
        or earlier.full_is_due
        or (earlier.identity.code, earlier.identity.catalogue_sha256)
        != (identity.code, identity.catalogue_sha256)
        or day.year != earlier.as_of.year  # what was awarded last year counts otherwise
        or changed + gone > MOST_CHANGED * enterprises
        or len(new) > MOST_CHANGED * len(items)
    )
    if whole:
        return Work("full", items, dropped, changed + gone)
    same = not (changed or gone or new or dropped) and identity.awards == earlier.identity.awards  # type: ignore[union-attr]
    return Work("unchanged" if same else "incremental", new, dropped, changed + gone)


# Finding


def _find(
    writer: Connection,
    reader: Connection,
    run_id: int,
    items: list[PlannedItem],
    enterprises: int,
    work: Work,
    facts: Facts,
    day: date,
    earlier: Earlier | None,
    on_item: OnItem | None,
) -> tuple[int, int, list[ItemCount]]:
    """Write the rows of the run. Returns rows closed and added, and the counts of the items matched whole."""
    standing = bool(_one(writer, "SELECT EXISTS (SELECT FROM policy.match_row WHERE until_run IS NULL)"))
    if work.kind == "full" and not standing:
        counts = run_pass(writer, reader, NOW, enterprises, items, ROWS, run_id, on_item)
        return 0, sum(count.eligible + count.needs_data + count.near for count in counts), counts
    make_new_rows(writer)
    counts = run_pass(writer, reader, NOW, enterprises, work.items, NEW_ROWS, run_id, on_item)
    scope: sql.Composable = sql.SQL("true")
    if work.kind != "full":
        matched = {item.item_version_id for item in work.items}
        others = [item for item in items if item.item_version_id not in matched]
        rows = make_part(writer, facts, day, CHANGED)
        make_part(reader, facts, day, _send_changed(writer, reader))
        run_pass(writer, reader, PART, rows, others, NEW_ROWS, run_id, bound=False)
        cut = [
            item.item_version_id
            for item in others
            if earlier and earlier.near.get(item.item_version_id, 0) >= item.plan.keep
        ]
        writer.execute(KEEP_LISTS_CUT, (cut,))
        scope = sql.SQL(
            "m.item_version_id = ANY ({})"
            " OR m.uscc IN (SELECT uscc FROM changed_firm UNION ALL SELECT uscc FROM gone_firm)"
        ).format(sql.Literal([*matched, *work.dropped]))
    closed, added = merge(writer, run_id, scope)
    return closed, added, counts


def _send_changed(writer: Connection, reader: Connection) -> str:
    """The reading session's own copy of the codes that changed."""
    codes = [row[0] for row in writer.execute("SELECT uscc FROM changed_firm").fetchall()]
    reader.execute("CREATE TEMPORARY TABLE changed_firm (uscc text) ON COMMIT DROP")
    with reader.cursor().copy("COPY changed_firm FROM STDIN") as copy:
        for code in codes:
            copy.write_row([code])
    return CHANGED


def _settle(
    connection: Connection, run_id: int, day: date, work: Work, earlier: Earlier | None, identity: Identity
) -> None:
    awarded: list[tuple[str, str | None]] = []
    if work.kind != "full" and earlier is not None and identity.awards != earlier.identity.awards:
        awarded = connection.execute(NEW_AWARDS, (earlier.identity.awards,)).fetchall()
    settle(connection, run_id, day, whole=work.kind == "full", awarded=awarded)


# The manifest


def _totals(connection: Connection) -> tuple[int, int, int]:
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE status = 'eligible'), count(*) FILTER (WHERE status = 'needs_data'),"
        " count(*) FILTER (WHERE status = 'near') FROM policy.match_row WHERE until_run IS NULL"
    ).fetchone()
    return cast(tuple[int, int, int], row)


def stored_report(connection: Connection, run_id: int, made: bool) -> MatchReport:
    """The report of a run that stands. Raises MatchError when there is none of that number."""
    row = connection.execute(
        "SELECT as_of, enterprises, firms_found, yuan_proposed,"
        " extract(epoch FROM finished_at - started_at)::float, kind, coalesce(changed_enterprises, 0),"
        " coalesce(changed_items, 0), coalesce(rows_closed, 0), coalesce(rows_added, 0)"
        " FROM policy.match_run WHERE run_id = %s",
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
    as_of, enterprises, firms, proposed, seconds, *rest = row
    counts = [ItemCount(*item) for item in items]
    return MatchReport(run_id, made, as_of, enterprises, counts, firms, proposed, round(seconds, 3), *rest)


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


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def code_version() -> str:
    """The package's version and a hash of this room's code: other code may find other rows."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return f"{__version__}+{found.hexdigest()[:12]}"
