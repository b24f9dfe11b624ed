"""What is new since the last sweep of a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from citybrain.sensing.input_rows import INPUT
from citybrain.sensing.rule_file import ReadingRule, RuleFile, SilenceRule
from citybrain.sensing.rule_parts import Compare
from citybrain.sensing.statement import Relations, Statement

Connection = psycopg.Connection[Any]

NEW_ROWS = """
SELECT max((i.{arrived})::timestamptz) AS arrived_until, max((i.{at})::timestamptz) AS newest
FROM {relation} AS i WHERE {where} AND (i.{arrived})::timestamptz > {since}
"""


@dataclass(frozen=True)
class Arrivals:
    """What is new since the last sweep: up to which arrival, the rule's clock, and where late rows end."""

    arrived_until: datetime | None
    reference_until: datetime | None
    clock: datetime
    horizon: datetime
    first: bool


def arrivals_since(
    connection: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule,
    before: Mapping[str, Any] | None,
    stand_ins: Relations,
) -> Arrivals | None:
    statement = Statement(dict(stand_ins))
    since = before["arrived_until"] if before else None
    look = sql.SQL(NEW_ROWS).format(
        **parts_of(statement, rule, None), since=statement.bind(since or "-infinity")
    )
    row = connection.execute(look, statement.parameters).fetchone()
    arrived_until, newest = row if row else (None, None)
    reference_until = before["reference_until"] if before else None
    if isinstance(rule, ReadingRule) and rule.compare is not None:
        reference_until = _newest_reference(connection, rule.compare, stand_ins)
        moved = before is not None and reference_until != before["reference_until"]
    else:
        moved = False
    if arrived_until is None and not moved:
        return None
    known_clock = before["clock"] if before else None
    clock = max(one for one in (newest, known_clock) if one is not None) if newest or known_clock else None
    if clock is None:
        return None
    back = file.lateness if before else timedelta(hours=file.first_look_hours)
    return Arrivals(arrived_until or since, reference_until, clock, clock - back, before is None)


def _newest_reference(connection: Connection, compare: Compare, stand_ins: Relations) -> datetime | None:
    statement = Statement(dict(stand_ins))
    query = sql.SQL("SELECT max(({})::timestamptz) FROM {}").format(
        sql.Identifier(compare.arrived), statement.relation(compare.relation)
    )
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def parts_of(
    statement: Statement, rule: ReadingRule | SilenceRule, clock: datetime | None
) -> dict[str, sql.Composable]:
    rows = rule.input
    return {
        "relation": statement.relation(rows.relation),
        "subject": sql.Identifier(rows.subject),
        "at": sql.Identifier(rows.at),
        "arrived": sql.Identifier(rows.arrived),
        "where": statement.conditions(rows.where, {"": INPUT}, statement.bind(clock)),
    }
