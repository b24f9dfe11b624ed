"""The rows of an input that a statement reads: those of the subjects in scope, and a few before them."""

from datetime import datetime, timedelta

from psycopg import sql

from citybrain.sensing.rule_file import ReadingRule, SilenceRule
from citybrain.sensing.rule_parts import Input, Place
from citybrain.sensing.statement import Statement, resolve

INPUT, PLACE = sql.Identifier("i"), sql.Identifier("p")

# Rows of an input for one subject of the scope; {before} of them stand before the first one.
ROWS = """
rows AS (
    SELECT s.subject, s.reference, s.anchor, r.at, r.lon, r.lat, r.holds,
        {value} AS value
    FROM pg_temp.scope AS s
    LEFT JOIN {place} AS p ON (p.{place_subject})::text = s.subject
    CROSS JOIN LATERAL (
        (SELECT {picked} FROM {relation} AS i
        WHERE (i.{subject})::text = s.subject AND {where}
            AND (i.{at})::timestamptz >= s.anchor - {context} AND (i.{at})::timestamptz <= {clock})
        UNION ALL
        (SELECT {picked} FROM {relation} AS i
        WHERE (i.{subject})::text = s.subject AND {where}
            AND (i.{at})::timestamptz < s.anchor - {context}
        ORDER BY (i.{at})::timestamptz DESC LIMIT {before})
    ) AS r
)"""
PICKED = """
(i.{at})::timestamptz AS at, (i.{value})::double precision AS value, {longitude} AS lon, {latitude} AS lat,
{minus_input} AS less, {holds} AS holds"""


def rows_of(
    statement: Statement,
    rows: Input,
    place: Place,
    clock: datetime,
    context_minutes: float,
    before: int,
    rule: ReadingRule | SilenceRule,
) -> sql.Composed:
    """The named query `rows`: subject, reference, anchor, moment, value, position, and whether `while` holds.

    context_minutes: read before the anchor, for what looks back; `before`: rows before those.
    """
    bound_clock = statement.bind(clock)
    alias = {"": INPUT, "place.": PLACE}
    minus = rule.minus if isinstance(rule, ReadingRule) else None
    asked = [test for test in rule.while_ if test.column != "reference"]
    picked = sql.SQL(PICKED).format(
        at=sql.Identifier(rows.at),
        value=sql.Identifier(rows.value),
        longitude=optional_column(rows.longitude),
        latitude=optional_column(rows.latitude),
        minus_input=number(resolve(minus, alias)) if minus else sql.SQL("NULL::double precision"),
        holds=statement.holds(asked, alias, bound_clock),
    )
    return sql.SQL(ROWS).format(
        # what is taken away and not known leaves nothing: a vehicle without a limit is not over it
        value=sql.SQL("r.value - r.less" if minus else "r.value"),
        place=statement.relation(place.relation),
        place_subject=sql.Identifier(place.subject),
        picked=picked,
        relation=statement.relation(rows.relation),
        subject=sql.Identifier(rows.subject),
        at=sql.Identifier(rows.at),
        where=statement.conditions(rows.where, {"": INPUT}, bound_clock),
        context=statement.bind(timedelta(minutes=context_minutes)),
        clock=bound_clock,
        before=statement.bind(before),
    )


def limit_of(statement: Statement, limit: float | str) -> sql.Composable:
    """A number, or a column of the register."""
    if isinstance(limit, str):
        return number(resolve(limit, {"place.": PLACE}))
    return number(statement.bind(limit))


def number(expression: sql.Composable) -> sql.Composable:
    return sql.SQL("({})::double precision").format(expression)


def optional_column(column: str | None) -> sql.Composable:
    return (
        number(sql.SQL("i.{}").format(sql.Identifier(column)))
        if column
        else sql.SQL("NULL::double precision")
    )


def names_of(rows: Input) -> dict[str, sql.Composable]:
    return {name: sql.Identifier(getattr(rows, name)) for name in ("subject", "at", "value")}
