"""What a run has to do: everything, what changed since the newest run, or nothing.

Enterprises changed whose facts hash otherwise; items whose plan is another one; both by time alone where a
criterion is a span before the day of the run.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from citybrain import __version__
from citybrain.policy.facts import Facts
from citybrain.policy.facts_table import digest
from citybrain.policy.passes import PlannedItem, flipped_by_time

MOST_CHANGED = 0.2  # of the enterprises or the items; above it a full run is the shorter way
CHANGED, GONE = "changed_firm", "gone_firm"

Connection = psycopg.Connection[Any]

NEWEST = """
SELECT run_id, as_of, facts_sha256, awards_seen, code_version, catalogue_sha256, rules_sha256, sql_sha256,
    firms_found, yuan_proposed,
    (SELECT max(finished_at) FROM policy.match_run WHERE kind = 'full') < now() - interval '1 day'
FROM policy.match_run ORDER BY run_id DESC LIMIT 1
"""
ITEMS_OF = """
SELECT item_version_id, sql_sha256, eligible, needs_data, near FROM policy.match_run_item WHERE run_id = %s
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
    """The newest run, as far as the next one asks. `counts`: eligible, lacking data and near, by version."""

    run_id: int
    as_of: date
    identity: Identity
    plans: dict[int, str]
    counts: dict[int, tuple[int, int, int]]
    firms_found: int
    yuan_proposed: Decimal
    full_is_due: bool


@dataclass(frozen=True)
class Work:
    """What a run has to do. `items`: versions to match with every enterprise."""

    kind: str
    items: list[PlannedItem]
    dropped: list[int]
    changed_enterprises: int


def identity_of(connection: Connection, items: Sequence[PlannedItem], facts: Facts) -> Identity:
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


def earlier_run(connection: Connection) -> Earlier | None:
    row = connection.execute(NEWEST).fetchone()
    if row is None:
        return None
    run_id, as_of, facts, awards, code, catalogue, rules, sql_hash, firms, yuan, full_is_due = row
    items = connection.execute(ITEMS_OF, (run_id,)).fetchall()
    return Earlier(
        run_id,
        as_of,
        Identity(rules, sql_hash, facts, awards, code, catalogue or ""),
        {version: sha256 for version, sha256, *_ in items},
        {version: (eligible, needs_data, near) for version, _, eligible, needs_data, near in items},
        firms,
        yuan,
        bool(full_is_due),
    )


def work_to_do(
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


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - queries of exactly one row
    return row[0]


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def code_version() -> str:
    """The package's version and a hash of this room's code: other code may find other rows."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return f"{__version__}+{found.hexdigest()[:12]}"
