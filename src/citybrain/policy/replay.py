"""Make a past run again, from its rules and its kept facts, and hold the rows against those it wrote."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.compiler import RESULT, compile_rule
from citybrain.policy.facts import Facts, stored_facts
from citybrain.policy.matching import MatchError, code_version, matcher
from citybrain.policy.publishing import stored_rule
from citybrain.policy.snapshot import load_snapshot
from citybrain.settings import Settings

Connection = psycopg.Connection[Any]

RUN = "SELECT as_of, facts_sha256, facts_object_key, code_version FROM policy.match_run WHERE run_id = %s"
ITEMS = """
SELECT v.item_version_id, v.item_id, v.definition, r.sql_sha256
FROM policy.match_run_item r JOIN policy.item_version v USING (item_version_id)
WHERE r.run_id = %s ORDER BY v.item_id
"""
DIFFERENCES = """
WITH then_rows AS (
    SELECT {columns} FROM policy.match_result WHERE run_id = {run} AND item_version_id = {version}
), now_rows AS ({query})
SELECT (SELECT count(*) FROM now_rows),
    (SELECT count(*) FROM (SELECT * FROM then_rows EXCEPT SELECT * FROM now_rows) AS gone),
    (SELECT count(*) FROM (SELECT * FROM now_rows EXCEPT SELECT * FROM then_rows) AS come)
"""


@dataclass(frozen=True)
class ItemReplay:
    """`lost`: rows of the run that did not come out again; `gained`: rows that came out now only."""

    item_id: str
    rows: int
    lost: int
    gained: int
    same_sql: bool


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
    """Raises MatchError when there is no such run, LakeError or SnapshotError without its facts."""
    with matcher(settings) as connection:
        row = connection.execute(RUN, (run_id,)).fetchone()
        if row is None:
            raise MatchError(f"there is no run {run_id}")
        as_of, facts_sha256, key, code = row
        items = connection.execute(ITEMS, (run_id,)).fetchall()
        facts: Facts = {}
        for _, _, definition, _ in items:
            facts |= stored_facts(definition["facts"])
        # The temporary table comes first now: the rules read the kept facts, not today's.
        connection.execute("SET LOCAL search_path = pg_temp, pg_catalog")
        load_snapshot(settings, connection, key, facts_sha256, facts)
        replays = [_replay_item(connection, run_id, as_of, item) for item in items]
        connection.rollback()
    return Replay(run_id, as_of, code == code_version(), replays)


def _replay_item(connection: Connection, run_id: int, as_of: date, item: tuple[Any, ...]) -> ItemReplay:
    version_id, item_id, definition, sql_sha256 = item
    statement = compile_rule(stored_rule(definition), as_of)
    query = sql.SQL(DIFFERENCES).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, RESULT)),
        run=sql.Literal(run_id),
        version=sql.Literal(version_id),
        query=sql.SQL(statement.sql),
    )
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - three scalar sub-selects are one row
    return ItemReplay(item_id, row[0], row[1], row[2], statement.sha256 == sql_sha256)
