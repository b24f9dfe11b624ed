"""Spells told from messages before the warehouse held their rows: a sweep leaves them alone so long.

Of such a spell the newest signal is older than no row of its subject yet. As soon as the rows reach that far
the sweep judges them as any others: the spell is found again and keeps its signals, or, where the gate held
its messages, it is taken back.
"""

from typing import Any

import psycopg
from psycopg import sql

from citybrain.sensing.input_rows import INPUT
from citybrain.sensing.rule_file import ReadingRule, RowsRule, SilenceRule
from citybrain.sensing.statement import Relations, Statement

AHEAD = """
SELECT o.spell_id FROM sensing.spell AS o
WHERE o.detector = {detector} AND o.rule = {rule} AND o.live AND o.told_until > coalesce((
    SELECT max((i.{at})::timestamptz) FROM {relation} AS i WHERE (i.{subject})::text = o.subject AND {where}
), '-infinity')
"""
# What was found of them so far is a part of them.
LEAVE = """
DELETE FROM pg_temp.found AS f USING sensing.spell AS o
WHERE o.spell_id = ANY(%s) AND f.subject = o.subject AND f.class_code = o.class_code
    AND f.started_at <= coalesce(o.ended_at, 'infinity') AND coalesce(f.ended_at, 'infinity') >= o.started_at
"""


def spells_ahead(
    connection: psycopg.Connection[Any],
    rule: ReadingRule | SilenceRule | RowsRule,
    detector: str,
    stand_ins: Relations,
) -> list[int]:
    """The rule's spells that are ahead of the warehouse; what `found` says of them is dropped from it."""
    if not isinstance(rule, ReadingRule) or rule.live is None:
        return []
    statement = Statement(dict(stand_ins))
    query = sql.SQL(AHEAD).format(
        detector=statement.bind(detector),
        rule=statement.bind(rule.id),
        at=sql.Identifier(rule.input.at),
        relation=statement.relation(rule.input.relation),
        subject=sql.Identifier(rule.input.subject),
        where=statement.conditions(rule.input.where, {"": INPUT}, sql.SQL("now()")),
    )
    ahead = [row[0] for row in connection.execute(query, statement.parameters)]
    if ahead:
        connection.execute(LEAVE, (ahead,))
    return ahead
