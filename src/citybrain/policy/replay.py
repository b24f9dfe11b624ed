"""Make a past run again, from its plans and its kept facts, and hold its rows against those that come out."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.changes import code_version
from citybrain.policy.facts import Facts, stored_facts
from citybrain.policy.facts_table import NOW, digest, number_rows
from citybrain.policy.passes import PlannedItem, run_pass
from citybrain.policy.plan import Plan
from citybrain.policy.run_report import MatchError
from citybrain.policy.sessions import matcher, matcher_beside
from citybrain.policy.snapshot import SnapshotError, load_snapshot
from citybrain.policy.writing import COLUMNS, NEW_ROWS, make_new_rows
from citybrain.settings import Settings

Connection = psycopg.Connection[Any]

RUN = "SELECT as_of, facts_sha256, code_version FROM policy.match_run WHERE run_id = %s"
ITEMS = """
SELECT v.item_version_id, v.item_id, i.title, v.sha256, v.payable, r.sql_sha256, p.plan,
    v.definition -> 'facts'
FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id)
JOIN policy.item i USING (item_id) LEFT JOIN policy.plan p ON p.sha256 = r.sql_sha256
WHERE r.run_id = %s ORDER BY v.item_version_id
"""
OBJECTS = """
WITH RECURSIVE continued AS (
    SELECT run_id, base_run, facts_object_key FROM policy.match_run WHERE run_id = %s
    UNION ALL
    SELECT r.run_id, r.base_run, r.facts_object_key FROM policy.match_run r
    JOIN continued c ON r.run_id = c.base_run
)
SELECT facts_object_key FROM continued ORDER BY run_id
"""
DIFFERENCES = """
WITH then_rows AS (
    SELECT {columns} FROM policy.match_result WHERE run_id = {run}
), now_rows AS (
    SELECT {columns} FROM new_row
), gone AS (
    SELECT item_version_id, count(*) AS rows FROM (TABLE then_rows EXCEPT TABLE now_rows) AS d GROUP BY 1
), come AS (
    SELECT item_version_id, count(*) AS rows FROM (TABLE now_rows EXCEPT TABLE then_rows) AS d GROUP BY 1
), found AS (
    SELECT item_version_id, count(*) AS rows FROM now_rows GROUP BY 1
)
SELECT i.item_version_id, coalesce(found.rows, 0), coalesce(gone.rows, 0), coalesce(come.rows, 0)
FROM policy.match_run_item i LEFT JOIN gone USING (item_version_id) LEFT JOIN come USING (item_version_id)
LEFT JOIN found USING (item_version_id)
WHERE i.run_id = {run}
"""


@dataclass(frozen=True)
class ItemReplay:
    """`lost`: rows of the run that did not come out again; `gained`: rows that came out now only."""

    item_id: str
    rows: int
    lost: int
    gained: int


@dataclass(frozen=True)
class Replay:
    run_id: int
    as_of: date
    same_code: bool
    items: list[ItemReplay]

    @property
    def equal(self) -> bool:
        return all(item.lost == item.gained == 0 for item in self.items)


def replay(settings: Settings, run_id: int) -> Replay:
    """Raises MatchError when there is no such run, LakeError or SnapshotError without its facts.

    Near lists that an incremental run left cut at `keep` are ranked anew here, as by a full run.
    """
    with matcher(settings) as writer, matcher_beside(settings) as reader:
        row = writer.execute(RUN, (run_id,)).fetchone()
        if row is None:
            raise MatchError(f"there is no run {run_id}")
        as_of, facts_sha256, code = row
        stored = writer.execute(ITEMS, (run_id,)).fetchall()
        if any(item[6] is None for item in stored):
            raise MatchError(f"run {run_id} was made before plans were kept")
        items = [
            PlannedItem(version_id, item_id, title, sha256, payable, plan_sha256, Plan.from_json(plan))
            for version_id, item_id, title, sha256, payable, plan_sha256, plan, _ in stored
        ]
        facts: Facts = {}
        for item in stored:
            facts |= stored_facts(item[7])
        for session in (writer, reader):
            rows = _facts_then(settings, session, run_id, facts, as_of)
        if facts_sha256 != digest(writer):
            raise SnapshotError(f"the kept facts are not what run {run_id} saw")
        make_new_rows(writer)
        run_pass(writer, reader, NOW, rows, items, NEW_ROWS, run_id)
        query = sql.SQL(DIFFERENCES).format(
            columns=sql.SQL(", ").join(
                map(sql.Identifier, [name for name in COLUMNS if name != "first_run"])
            ),
            run=sql.Literal(run_id),
        )
        found = {version: counts for version, *counts in writer.execute(query).fetchall()}
        writer.rollback()
    replays = [ItemReplay(item.item_id, *found[item.item_version_id]) for item in items]
    return Replay(run_id, as_of, code == code_version(), sorted(replays, key=lambda each: each.item_id))


def _facts_then(settings: Settings, connection: Connection, run_id: int, facts: Facts, as_of: date) -> int:
    """`facts_now` as the run saw it: the last full snapshot before it and every change since."""
    keys = [row[0] for row in connection.execute(OBJECTS, (run_id,)).fetchall()]
    for key in keys:
        load_snapshot(settings, connection, key, facts, "facts_kept")
    names = [
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'facts_kept'::regclass AND attnum > 0"
        ).fetchall()
    ]
    kept: dict[str, Any] = {name: facts.get(name) for name in names if name not in _NOT_FACTS}
    return number_rows(connection, NOW, sql.SQL("SELECT * FROM facts_kept"), kept, as_of)


_NOT_FACTS = {"uscc", "enterprise_name", "county_code", "gone"}
