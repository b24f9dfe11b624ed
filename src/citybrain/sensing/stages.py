"""What stands between the rows of an input and their judging: expected values, peers, spans, references.

Each is a named query that reads the one before.
"""

from datetime import timedelta
from typing import LiteralString

from psycopg import sql

from citybrain.sensing.input_rows import INPUT
from citybrain.sensing.rule_file import ReadingRule
from citybrain.sensing.statement import Statement

PROFILE = """,
profiled AS (
    SELECT rows.*, own.expected
    FROM rows
    LEFT JOIN LATERAL (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (i.{value})::double precision) AS expected,
            count(*) AS weeks
        FROM {relation} AS i
        WHERE (i.{subject})::text = rows.subject AND {where} AND (i.{at})::timestamptz = ANY (
            ARRAY(SELECT rows.at - week * interval '7 days' FROM generate_series(1, {weeks}) AS week))
    ) AS own ON own.weeks >= {least}
)"""
# The scope of such a rule holds every subject from one anchor on.
PEERS = """,
moments AS (
    SELECT at, count(*) AS peers, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle
    FROM rows GROUP BY at
),
compensated AS (
    SELECT {before}.*, CASE WHEN moments.peers >= {least}
        THEN {before}.value - moments.middle + {nominal} ELSE {before}.value END AS levelled
    FROM {before} INNER JOIN moments USING (at)
)"""
OVER = """,
taken AS (
    SELECT subject, reference, anchor, at, lon, lat, holds,
        CASE WHEN count(value) OVER span >= {readings} THEN {value} END AS value
    FROM {before}
    WINDOW span AS (PARTITION BY subject ORDER BY at
        RANGE BETWEEN {minutes} PRECEDING AND CURRENT ROW)
)"""
COMPARE = """,
compared AS (
    SELECT subject, anchor, at, lon, lat, holds AND {holds} AS holds, {value} AS value
    FROM {before} AS b
    LEFT JOIN LATERAL (
        SELECT (i.{value_of})::double precision AS value FROM {relation} AS i
        WHERE (i.{subject})::text = b.reference AND (i.{at})::timestamptz <= b.at
            AND (i.{at})::timestamptz > b.at - {minutes} AND i.{value_of} IS NOT NULL
        ORDER BY (i.{at})::timestamptz DESC LIMIT 1
    ) AS r ON true
)"""


def over_span(statement: Statement, rule: ReadingRule, stage: str, value: sql.Composable) -> sql.Composable:
    over = rule.over
    if over is None:
        taken: sql.Composable = value
        if rule.profile is not None:
            taken = sql.SQL("{} / nullif(expected, 0)").format(value)
        span, readings = timedelta(0), 1
    else:
        whole: dict[str, LiteralString] = {
            "mean": "avg({}) OVER span",
            "sum": "sum({}) OVER span",
            "rise": "{0} - first_value({0}) OVER span",
        }
        taken = sql.SQL(whole[over.take]).format(value)
        if rule.profile is not None:
            taken = sql.SQL("{} / nullif(sum(expected) OVER span, 0)").format(taken)
        # a span of 15 minutes holds one of two readings that are 15 minutes apart
        span, readings = timedelta(minutes=over.minutes) - timedelta(microseconds=1), over.readings
    return sql.SQL(OVER).format(
        readings=statement.bind(readings),
        value=taken,
        before=sql.Identifier(stage),
        minutes=statement.bind(span),
    )


def beside_reference(statement: Statement, rule: ReadingRule, stage: str) -> sql.Composable:
    compare = rule.compare
    assert compare is not None  # noqa: S101 - asked for by its caller alone
    reference = sql.SQL("r.value")
    asked = [test for test in rule.while_ if test.column == "reference"]
    value: sql.Composable = sql.SQL("b.value")
    if compare.as_ == "ratio":
        value = sql.SQL("CASE WHEN b.value < {} THEN 0 ELSE b.value / nullif(r.value, 0) END").format(
            statement.bind(compare.least_value)
        )
    return sql.SQL(COMPARE).format(
        holds=statement.holds(asked, {"": INPUT, "reference": reference}, sql.SQL("now()")),
        value=value,
        before=sql.Identifier(stage),
        value_of=sql.Identifier(compare.value),
        relation=statement.relation(compare.relation),
        subject=sql.Identifier(compare.subject),
        at=sql.Identifier(compare.at),
        minutes=statement.bind(timedelta(minutes=compare.minutes)),
    )
