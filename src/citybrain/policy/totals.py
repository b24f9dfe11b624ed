"""How much stands after a run: rows by item and status, enterprises that get something, and the money.

A full run counts all of it. An incremental one adds to what the run before it counted what it added, and
takes away what it closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.changes import Earlier
from citybrain.policy.settlement import ADDED_ROWS, CLOSED_ROWS
from citybrain.policy.writing import ADDED, CLOSED

Connection = psycopg.Connection[Any]
Counts = tuple[int, int, int]

COUNTS = """
SELECT item_version_id, count(*) FILTER (WHERE status = 'eligible'),
    count(*) FILTER (WHERE status = 'needs_data'), count(*) FILTER (WHERE status = 'near')
FROM policy.match_row WHERE until_run IS NULL GROUP BY item_version_id
"""
FOUND = """
SELECT count(*), coalesce(sum(amount), 0) FROM (
    SELECT sum(amount) AS amount FROM policy.proposal_row
    WHERE until_run IS NULL AND outcome = 'pay' GROUP BY uscc
) AS firm
"""
MORE = """
SELECT item_version_id, coalesce(sum(more) FILTER (WHERE status = 'eligible'), 0),
    coalesce(sum(more) FILTER (WHERE status = 'needs_data'), 0),
    coalesce(sum(more) FILTER (WHERE status = 'near'), 0)
FROM (
    SELECT item_version_id, status, 1 AS more FROM {added}
    UNION ALL SELECT item_version_id, status, -1 FROM {closed}
) AS changed
GROUP BY item_version_id
"""
MORE_PAY = """
SELECT array_agg(DISTINCT uscc), coalesce(sum(amount), 0) FROM (
    SELECT uscc, amount FROM {added} WHERE outcome = 'pay'
    UNION ALL SELECT uscc, -amount FROM {closed} WHERE outcome = 'pay'
) AS changed
"""
MORE_FIRMS = """
SELECT count(*) FILTER (WHERE gets) - count(*) FILTER (WHERE got) FROM (
    SELECT bool_or(until_run IS NULL) AS gets, bool_or(first_run < {run}) AS got
    FROM policy.proposal_row
    WHERE outcome = 'pay' AND (until_run IS NULL OR until_run = {run}) AND uscc = ANY ({firms})
    GROUP BY uscc
) AS firm
"""


@dataclass(frozen=True)
class Totals:
    """`counts`: eligible, lacking data and near, by version. `firms`: enterprises proposed for payment."""

    counts: Mapping[int, Counts]
    firms: int
    yuan: Decimal

    def of(self, item_version_id: int) -> Counts:
        return self.counts.get(item_version_id, (0, 0, 0))


def totals(connection: Connection) -> Totals:
    """Everything counted."""
    counts = {version: tuple(each) for version, *each in connection.execute(COUNTS).fetchall()}
    row = connection.execute(FOUND).fetchone()
    assert row is not None  # noqa: S101 - two sums are one row
    return Totals(counts, *row)


def totals_by_difference(connection: Connection, run_id: int, earlier: Earlier) -> Totals:
    """From the tables of what this transaction closed and added."""
    counts = dict(earlier.counts)
    names = {"added": sql.Identifier(ADDED), "closed": sql.Identifier(CLOSED)}
    for version, *more in connection.execute(sql.SQL(MORE).format(**names)).fetchall():
        eligible, needs_data, near = (
            before + int(one) for before, one in zip(counts.get(version, (0, 0, 0)), more, strict=True)
        )
        counts[version] = eligible, needs_data, near
    names = {"added": sql.Identifier(ADDED_ROWS), "closed": sql.Identifier(CLOSED_ROWS)}
    firms, yuan = connection.execute(sql.SQL(MORE_PAY).format(**names)).fetchone() or (None, Decimal(0))
    query = sql.SQL(MORE_FIRMS).format(run=sql.Literal(run_id), firms=sql.Literal(firms or []))
    (more_firms,) = connection.execute(query).fetchone() or (0,)
    return Totals(counts, earlier.firms_found + more_firms, earlier.yuan_proposed + yuan)
