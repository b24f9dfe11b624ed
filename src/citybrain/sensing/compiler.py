"""A rule over readings as one statement: rows of the subjects in scope, judged, put together to spells.

Read are `pg_temp.scope` (subject, anchor, reference: what is worked out anew, from when on) and
`pg_temp.carried` (spells that stood at the anchor already). Made is `pg_temp.found`, one row a spell. The
whole is a function of the rows alone, whatever the order they arrived in.
"""

from datetime import datetime

from psycopg import sql

from citybrain.sensing.input_rows import INPUT, names_of, rows_of
from citybrain.sensing.rule_file import ReadingRule
from citybrain.sensing.rule_parts import Place
from citybrain.sensing.spells import spells_of
from citybrain.sensing.stages import PEERS, PROFILE, beside_reference, over_span
from citybrain.sensing.statement import Statement


def compile_reading(statement: Statement, rule: ReadingRule, place: Place, clock: datetime) -> sql.Composed:
    """The statement that fills `found`; its parameters stand in `statement`."""
    context = rule.over.minutes if rule.over else 0
    parts: list[sql.Composable] = [
        sql.SQL("WITH "),
        rows_of(statement, rule.input, place, clock, context, rule.clear_after - 1, rule),
    ]
    stage = "rows"
    value, names = sql.SQL("value"), names_of(rule.input)
    where = statement.conditions(rule.input.where, {"": INPUT}, statement.bind(clock))
    relation = statement.relation(rule.input.relation)
    if rule.profile is not None:
        parts.append(
            sql.SQL(PROFILE).format(
                **names,
                relation=relation,
                where=where,
                weeks=statement.bind(rule.profile.weeks),
                least=statement.bind(rule.profile.least),
            )
        )
        stage = "profiled"
    if rule.compensate is not None:
        parts.append(
            sql.SQL(PEERS).format(
                before=sql.Identifier(stage),
                least=statement.bind(rule.compensate.least),
                nominal=statement.bind(rule.compensate.nominal),
            )
        )
        stage, value = "compensated", sql.SQL("levelled")
    parts.append(over_span(statement, rule, stage, value))
    stage = "taken"
    if rule.compare is not None:
        parts.append(beside_reference(statement, rule, stage))
        stage = "compared"
    parts.append(spells_of(statement, rule, place, stage))
    return sql.Composed(parts)
