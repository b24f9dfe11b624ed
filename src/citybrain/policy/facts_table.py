"""`facts_now`: what the rules of one run see, a temporary table with a column for each fact.

A stale fact is NULL in it already, and its rows are numbered in order of the credit code, so that a rule's
answers can be kept as vectors. `row_hash` tells two states of an enterprise apart.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.compiler import FACTS_TABLE, SQL_TYPE, oldest_load
from citybrain.policy.facts import Facts

NOW = "facts_now"
PART = "facts_part"
IDENTITY = ("uscc", "enterprise_name", "county_code")

Connection = psycopg.Connection[Any]


def make_facts_now(connection: Connection, facts: Facts, as_of: date, hashed: bool = True) -> int:
    """From the mart, as this transaction sees it. Returns the number of enterprises.

    `hashed`: with `row_hash`; a session that only looks facts up does without.
    """
    source = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join([*map(sql.Identifier, IDENTITY), *_fresh_columns(facts, as_of)]),
        sql.Identifier(FACTS_TABLE),
    )
    return number_rows(connection, NOW, source, facts, as_of, hashed)


def fresh_facts(facts: Facts, as_of: date) -> sql.Composed:
    """A SELECT of facts alone, by name, for whoever only counts."""
    return sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(_fresh_columns(facts, as_of)), sql.Identifier(FACTS_TABLE)
    )


def make_facts_part(connection: Connection, facts: Facts, as_of: date, part: int, parts: int) -> int:
    """`facts_now` of some of the enterprises, one of `parts` shares by hash of the code, in no order: for
    counting only, with neither identity nor hash. Returns their number."""
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT (row_number() OVER () - 1)::int AS ord, {},"
            " {}::date AS as_of FROM {} WHERE mod(hashtext(uscc) & 2147483647, {}) = {}"
        ).format(
            sql.Identifier(NOW),
            sql.SQL(", ").join(_fresh_columns(facts, as_of)),
            sql.Literal(as_of.isoformat()),
            sql.Identifier(FACTS_TABLE),
            sql.Literal(parts),
            sql.Literal(part),
        )
    )
    connection.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (ord)").format(sql.Identifier(NOW)))
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(NOW))).fetchone()
    return int(row[0]) if row else 0


def _fresh_columns(facts: Facts, as_of: date) -> list[sql.Composed]:
    return [
        sql.SQL("CASE WHEN {loaded} >= {oldest} THEN {column} END AS {name}").format(
            loaded=sql.Identifier(fact.as_of),
            oldest=sql.Literal(oldest_load(as_of, fact.fresh_within)),
            column=sql.Identifier(fact.column),
            name=sql.Identifier(name),
        )
        for name, fact in sorted(facts.items())
    ]


def number_rows(
    connection: Connection, table: str, source: sql.Composable, facts: Facts, as_of: date, hashed: bool = True
) -> int:
    """Make the temporary table of `source`, which has the identity and a column for each fact."""
    names = sql.SQL(", ").join(sql.Identifier("s", name) for name in (*IDENTITY, *sorted(facts)))
    row_hash = sql.SQL(", hashtextextended(ROW({})::text, 0) AS row_hash").format(names)
    # Hashing costs more than the planner thinks: behind the fence two processes do it, the numbering one.
    several_processes(connection, True)
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT"
            " (row_number() OVER (ORDER BY r.uscc) - 1)::int AS ord, r.*, {}::date AS as_of"
            " FROM (SELECT {}{} FROM ({}) AS s OFFSET 0) AS r ORDER BY r.uscc"
        ).format(
            sql.Identifier(table),
            sql.Literal(as_of.isoformat()),
            names,
            row_hash if hashed else sql.SQL(""),
            source,
        )
    )
    several_processes(connection, False)
    connection.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (ord)").format(sql.Identifier(table)))
    connection.execute(sql.SQL("ANALYZE {} (ord, uscc)").format(sql.Identifier(table)))
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def several_processes(connection: Connection, wanted: bool) -> None:
    """Whether statements over a large table are worth another process whatever its start is said to cost."""
    for setting, cheap in (("parallel_setup_cost", "10"), ("parallel_tuple_cost", "0.001")):
        value = sql.Literal(cheap) if wanted else sql.SQL("DEFAULT")
        connection.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(setting), value))


def make_part(connection: Connection, facts: Facts, as_of: date, changed: str) -> int:
    """`facts_part`: those of `facts_now` whose code stands in the table `changed`, numbered anew."""
    source = sql.SQL("SELECT n.* FROM {} n JOIN {} USING (uscc)").format(
        sql.Identifier(NOW), sql.Identifier(changed)
    )
    return number_rows(connection, PART, source, facts, as_of, hashed=False)


def digest(connection: Connection) -> str:
    """One hash of every enterprise and its facts, in order of the code."""
    found = hashlib.sha256()
    with connection.cursor().copy(
        sql.SQL("COPY (SELECT uscc, row_hash FROM {} ORDER BY ord) TO STDOUT").format(sql.Identifier(NOW))
    ) as copy:
        for block in copy:
            found.update(block)
    return found.hexdigest()


def mart_columns(facts: Facts) -> dict[str, str]:
    """The columns of the mart that facts come from, and their types."""
    columns = dict.fromkeys(IDENTITY, "text")
    columns |= {fact.column: SQL_TYPE[fact.type] for fact in facts.values()}
    columns |= {fact.as_of: "timestamptz" for fact in facts.values()}
    return dict(sorted(columns.items()))


def column_types(facts: Facts, names: Iterable[str]) -> dict[str, str]:
    """SQL types of the columns of facts_now that are kept in a snapshot."""
    types = dict.fromkeys(IDENTITY, "text")
    return types | {name: SQL_TYPE[facts[name].type] for name in names}
