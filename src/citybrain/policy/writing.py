"""Candidates to rows: the amount in PostgreSQL, exact, with it the status; then what changed since before.

The amount has the last bit of the masks: unknown it ends in `needs_data`, and at zero or below nobody gets
anything. Near ones are bounded: the closest and largest `keep` of an item.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from citybrain.policy.bounds import Facts, bounds, contenders
from citybrain.policy.compiler import FARTHEST, GATE_WEIGHT, IDENTITY, RESULT
from citybrain.policy.plan import Plan
from citybrain.policy.verdicts import Candidates, best_near

Connection = psycopg.Connection[Any]

ROWS = "policy.match_row"
NEW_ROWS = "new_row"
MANY = 200  # enterprises
STANDING, CLOSED, ADDED = "standing_row", "closed_row", "added_row"
COLUMNS = ("item_version_id", *RESULT, "first_run")

PRICED = """
SELECT *, {amount} AS amount
FROM (
    SELECT {names}, p.unmet_mask, p.unknown_mask, p.distance, p.distance_known, {raw} AS raw_amount
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[], $5::int[])
        AS p (ord, unmet_mask, unknown_mask, distance, distance_known)
    JOIN {table} n ON n.ord = p.ord
    OFFSET 0
) AS raw
OFFSET 0
"""  # the fences keep an amount from being worked out once for each place that names it
WRITE = """
WITH written AS (
    INSERT INTO {target} ({columns})
    SELECT {version}, uscc, enterprise_name, county_code, status, unmet_mask,
        unknown_mask | CASE WHEN amount IS NULL THEN {amount_bit} ELSE 0 END,
        least({farthest}, distance + CASE WHEN amount IS NULL THEN {gate} ELSE 0 END),
        amount, CASE WHEN status = 'eligible' THEN jsonb_build_object({used}) END, {run}
    FROM (
        SELECT *, CASE
            WHEN distance_known > 0 THEN 'near'
            WHEN distance = 0 AND amount IS NOT NULL THEN 'eligible'
            ELSE 'needs_data' END AS status
        FROM ({priced}) AS priced
        WHERE amount IS NULL OR amount > 0
        OFFSET 0
    ) AS named
    RETURNING status
)
SELECT count(*) FILTER (WHERE status = 'eligible'), count(*) FILTER (WHERE status = 'needs_data'),
    count(*) FILTER (WHERE status = 'near')
FROM written
"""
RANK = """
SELECT ord FROM ({priced}) AS priced
WHERE amount IS NULL OR amount > 0
ORDER BY distance_known, distance + CASE WHEN amount IS NULL THEN {gate} ELSE 0 END,
    amount DESC NULLS LAST, ord
LIMIT {keep}
"""

# Of everything: keep what is as it was; close the rest; add what is new.
CLOSE = """
UPDATE {rows} m SET until_run = {run}
WHERE m.until_run IS NULL AND NOT EXISTS (
    SELECT FROM {new} n WHERE n.item_version_id = m.item_version_id AND n.uscc = m.uscc
        AND ({content_n}) IS NOT DISTINCT FROM ({content_m}))
"""
ADD = """
INSERT INTO {rows} ({columns})
SELECT {columns} FROM {new} n
WHERE NOT EXISTS (
    SELECT FROM {rows} m
    WHERE m.until_run IS NULL AND m.item_version_id = n.item_version_id AND m.uscc = n.uscc)
"""

# Of a part of them, which is read once: no statement but the first looks at every row. CREATE TABLE AS is
# what PostgreSQL reads with several processes for.
STAND = """
CREATE TEMPORARY TABLE {standing} ON COMMIT DROP AS
SELECT {columns} FROM {rows} m WHERE m.until_run IS NULL AND ({scope})
"""
DIFFER = """
CREATE TEMPORARY TABLE {differing} ON COMMIT DROP AS
SELECT {columns} FROM {these} n WHERE NOT EXISTS (
    SELECT FROM {those} m WHERE m.item_version_id = n.item_version_id AND m.uscc = n.uscc
        AND ({content_n}) IS NOT DISTINCT FROM ({content_m}))
"""
CLOSE_THESE = """
UPDATE {rows} m SET until_run = {run} FROM {closed} c
WHERE m.item_version_id = c.item_version_id AND m.uscc = c.uscc AND m.first_run = c.first_run
"""
ADD_THESE = "INSERT INTO {rows} ({columns}) SELECT {columns} FROM {added}"


class Int4s:
    """A vector as `int[]`."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.packed = _array(values, 23, ">i4")


class Int8s:
    """A vector as `bigint[]`."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.packed = _array(values, 20, ">i8")


def _array(values: np.ndarray[Any, Any], element: int, number: str) -> bytes:
    """The binary form of a PostgreSQL array without NULLs."""
    if not len(values):
        return struct.pack(">iii", 0, 0, element)
    body = np.empty(len(values), dtype=[("length", ">i4"), ("value", number)])
    body["length"] = np.dtype(number).itemsize
    body["value"] = values
    return struct.pack(">iiiii", 1, 0, element, len(values), 1) + body.tobytes()


class _Packed(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        packed: bytes = obj.packed
        return packed


class _Int4sDumper(_Packed):
    oid = 1007


class _Int8sDumper(_Packed):
    oid = 1016


def takes_vectors(connection: Connection) -> None:
    """Let the session's statements have Int4s and Int8s as parameters."""
    connection.adapters.register_dumper(Int4s, _Int4sDumper)
    connection.adapters.register_dumper(Int8s, _Int8sDumper)


def bounded(connection: Connection, table: str, plan: Plan, found: Candidates, facts: Facts) -> Candidates:
    """The candidates less the near ones beyond the best `keep`; one query when bounds leave open who.

    Of those left some may come to nothing: they are not written.
    """
    is_near = found.lenient > 0
    near = found.chosen(is_near)
    if len(near) <= plan.keep:
        return found
    if plan.amount is None or plan.constant:
        best = best_near(plan, near)
        return _together(found.chosen(~is_near), best)
    if plan.worth is not None:
        near = near.chosen(contenders(plan.keep, near, bounds(plan.worth, facts, near.ord)))
    best = near
    if len(near) > plan.keep:
        query = sql.SQL(RANK).format(
            priced=_priced(table, plan, ("ord",)), gate=sql.Literal(GATE_WEIGHT), keep=sql.Literal(plan.keep)
        )
        rows = psycopg.RawCursor(connection).execute(query, candidate_vectors(near)).fetchall()
        chosen = np.array(sorted(row[0] for row in rows), dtype=near.ord.dtype)
        best = near.chosen(np.searchsorted(near.ord, chosen))
    return _together(found.chosen(~is_near), best)


def _together(one: Candidates, other: Candidates) -> Candidates:
    both = Candidates.joined([one, other])
    return both.chosen(np.argsort(both.ord))


def write_rows(
    connection: Connection,
    table: str,
    target: str,
    plan: Plan,
    found: Candidates,
    item_version_id: int,
    run_id: int,
) -> tuple[int, int, int]:
    """Write the candidates that come to something. Returns eligible, lacking data, near."""
    if not len(found):
        return 0, 0, 0
    used = [part for name in plan.used for part in (sql.Literal(name), sql.Identifier(name))]
    query = sql.SQL(WRITE).format(
        target=_table(target),
        columns=_names(COLUMNS),
        version=sql.Literal(item_version_id),
        run=sql.Literal(run_id),
        amount_bit=sql.Literal(1 << plan.amount_bit),
        farthest=sql.Literal(FARTHEST),
        gate=sql.Literal(GATE_WEIGHT),
        used=sql.SQL(", ").join(used),
        priced=_priced(table, plan, (*IDENTITY, *plan.used)),
    )
    row = psycopg.RawCursor(connection).execute(query, candidate_vectors(found)).fetchone()
    assert row is not None  # noqa: S101 - three counts are one row
    return int(row[0]), int(row[1]), int(row[2])


def _priced(table: str, plan: Plan, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(PRICED).format(
        raw=sql.SQL(plan.raw_amount or "CAST(NULL AS DECIMAL)"),
        amount=sql.SQL(plan.amount or "CAST(NULL AS DECIMAL(18, 2))"),
        names=_names(columns, "n"),
        table=sql.Identifier(table),
    )


def candidate_vectors(found: Candidates) -> list[Any]:
    """As parameters of a statement: ord, unmet, unknown, strict and lenient distance."""
    return [
        Int4s(found.ord),
        Int8s(found.unmet),
        Int8s(found.unknown),
        Int4s(found.strict),
        Int4s(found.lenient),
    ]


def make_new_rows(connection: Connection, rows: str = ROWS, new: str = NEW_ROWS) -> None:
    """An empty temporary table like `rows`, for what a run finds before it is compared with what stands."""
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(
            sql.Identifier(new), _table(rows)
        )
    )


def merge(
    connection: Connection,
    run_id: int,
    rows: str = ROWS,
    new: str = NEW_ROWS,
    columns: Sequence[str] = COLUMNS,
    compared: Sequence[str] = COLUMNS,
) -> tuple[int, int]:
    """Bring all standing rows in line with the new ones. Returns rows closed and added."""
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(new)))
    content = _content(compared)
    names = {"rows": _table(rows), "new": sql.Identifier(new), "run": sql.Literal(run_id)}
    # What was written since the last ANALYZE is unknown to the planner: a nested loop may cost minutes.
    connection.execute("SET LOCAL enable_nestloop = off")
    closed = connection.execute(
        sql.SQL(CLOSE).format(
            **names,
            content_n=_names(content, "n"),
            content_m=_names(content, "m"),
        )
    ).rowcount
    added = connection.execute(sql.SQL(ADD).format(**names, columns=_names(columns))).rowcount
    connection.execute("SET LOCAL enable_nestloop = on")
    return closed, added


def of_either(versions: Sequence[int], usccs: Sequence[str]) -> sql.Composable:
    """A condition on the rows m: of one of the versions or of one of the enterprises.

    Of a few enterprises alone the key's index, skipping from version to version, is the shorter way.
    """
    conditions = [
        sql.SQL("m.{} = ANY ({})").format(sql.Identifier(column), sql.Literal(list(values)))
        for column, values in (("item_version_id", versions), ("uscc", usccs))
        if values
    ]
    return sql.SQL(" OR ").join(conditions) if conditions else sql.SQL("false")


def take_standing(
    connection: Connection,
    scope: sql.Composable,
    rows: str = ROWS,
    standing: str = STANDING,
    columns: Sequence[str] = COLUMNS,
    many: bool = False,
) -> None:
    """Make the temporary table of the standing rows of a part. `scope` is a condition on m; `many`: a skip
    from version to version for each of them would touch every page of the index, the table is read instead.
    """
    for way in ("enable_indexscan", "enable_bitmapscan"):
        connection.execute(
            sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(way), sql.SQL("off" if many else "on"))
        )
    connection.execute(
        sql.SQL(STAND).format(
            standing=sql.Identifier(standing), columns=_names(columns), rows=_table(rows), scope=scope
        )
    )
    for way in ("enable_indexscan", "enable_bitmapscan"):
        connection.execute(sql.SQL("SET LOCAL {} = on").format(sql.Identifier(way)))


def merge_standing(
    connection: Connection,
    run_id: int,
    rows: str = ROWS,
    new: str = NEW_ROWS,
    temporary: tuple[str, str, str] = (STANDING, CLOSED, ADDED),
    columns: Sequence[str] = COLUMNS,
    compared: Sequence[str] = COLUMNS,
) -> tuple[int, int]:
    """Bring the rows of the part that was taken in line with the new ones. Returns rows closed and added,
    and leaves them in the last two of the `temporary` tables."""
    standing, closed, added = temporary
    content = _content(compared)
    connection.execute("SET LOCAL enable_nestloop = off")  # nothing is known of tables just filled
    for differing, these, those in ((closed, standing, new), (added, new, standing)):
        connection.execute(
            sql.SQL(DIFFER).format(
                differing=sql.Identifier(differing), these=sql.Identifier(these), those=sql.Identifier(those),
                columns=_names(columns), content_n=_names(content, "n"), content_m=_names(content, "m"),
            )
        )  # fmt: skip
    connection.execute("SET LOCAL enable_nestloop = on")
    names = {"rows": _table(rows), "run": sql.Literal(run_id), "columns": _names(columns)}
    look_up_rows(connection, True)
    gone = connection.execute(sql.SQL(CLOSE_THESE).format(**names, closed=sql.Identifier(closed))).rowcount
    look_up_rows(connection, False)
    come = connection.execute(sql.SQL(ADD_THESE).format(**names, added=sql.Identifier(added))).rowcount
    return gone, come


def look_up_rows(connection: Connection, only: bool) -> None:
    """Fetch rows by their key: reading and hashing a whole table for some of them costs far more."""
    value = sql.SQL("off" if only else "on")
    for way in ("enable_hashjoin", "enable_mergejoin", "enable_seqscan"):
        connection.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(way), value))


def _content(compared: Sequence[str]) -> list[str]:
    return [name for name in compared if name not in ("item_version_id", "uscc", "first_run")]


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _names(columns: Sequence[str], of: str | None = None) -> sql.Composed:
    prefix = (of,) if of else ()
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in columns)
