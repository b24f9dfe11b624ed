"""Enterprises that look like one business cut into several, so that each gets what one may get once.

They have everything in common that `policies/anomalies.yml` names and were founded soon after one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from citybrain.policy.anomaly_file import Split
from citybrain.policy.compiler import FACTS_TABLE
from citybrain.policy.plan import UNIT

# An island: each was founded within the span after the one before, among those that share everything.
SPLITS = """
WITH alike AS (
    SELECT uscc, established_on, dense_rank() OVER (ORDER BY {same}) AS shared
    FROM {table}
    WHERE uscc = ANY (%(codes)s) AND established_on IS NOT NULL AND {known}
), steps AS (
    SELECT uscc, established_on, shared,
        (established_on > (lag(established_on) OVER founded + {span}))::int AS begins
    FROM alike WINDOW founded AS (PARTITION BY shared ORDER BY established_on, uscc)
), islands AS (
    SELECT uscc, established_on, shared, sum(coalesce(begins, 0)) OVER (
        PARTITION BY shared ORDER BY established_on, uscc) AS island
    FROM steps
)
SELECT array_agg(uscc ORDER BY established_on, uscc), min(established_on), max(established_on)
FROM islands GROUP BY shared, island HAVING count(*) >= %(least)s
ORDER BY count(*) DESC, min(uscc)
"""


@dataclass(frozen=True)
class SplitFirms:
    """Credit codes in order of founding, and the first and last day on which one was founded."""

    codes: tuple[str, ...]
    first: date
    last: date


def split_firms(connection: psycopg.Connection[Any], codes: Sequence[str], split: Split) -> list[SplitFirms]:
    """Among the enterprises `codes`; the largest groups first. The session is one of role `matcher`."""
    columns = [sql.Identifier(name) for name in split.same]
    span = sql.SQL("interval {}").format(sql.Literal(f"{split.span.number} {UNIT[split.span.unit].lower()}"))
    query = sql.SQL(SPLITS).format(
        same=sql.SQL(", ").join(columns),
        table=sql.Identifier(FACTS_TABLE),
        known=sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(column) for column in columns),
        span=span,
    )
    rows = connection.execute(query, {"codes": list(codes), "least": split.least}).fetchall()
    return [SplitFirms(tuple(codes), first, last) for codes, first, last in rows]
