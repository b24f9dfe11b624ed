"""Gaps in what subjects send, as one statement."""

from datetime import datetime

from psycopg import sql

from citybrain.sensing.input_rows import limit_of, rows_of
from citybrain.sensing.rule_file import SilenceRule
from citybrain.sensing.rule_parts import Place
from citybrain.sensing.statement import Statement

SILENCES = """,
gaps AS (
    SELECT rows.*, lead(at) OVER (PARTITION BY subject ORDER BY at) AS next_at, {limit} AS silent_after
    FROM rows
    LEFT JOIN {place} AS p ON (p.{place_subject})::text = rows.subject
)
INSERT INTO pg_temp.found
SELECT subject, {class_code}, at + silent_after * interval '1 minute',
    at + silent_after * interval '1 minute', next_at, coalesce(next_at, {clock}),
    extract(epoch FROM coalesce(next_at, {clock}) - at) / 60, silent_after, lon, lat, '{{}}'
FROM gaps
WHERE holds AND coalesce(next_at, {clock}) - at > silent_after * interval '1 minute'
"""


def compile_silence(statement: Statement, rule: SilenceRule, place: Place, clock: datetime) -> sql.Composed:
    """The statement that fills `found` with gaps in what subjects sent."""
    limit = sql.SQL("{} * {}").format(limit_of(statement, rule.minutes), statement.bind(rule.times))
    gaps = sql.SQL(SILENCES).format(
        limit=limit,
        place=statement.relation(place.relation),
        place_subject=sql.Identifier(place.subject),
        class_code=statement.bind(rule.class_),
        clock=statement.bind(clock),
    )
    return sql.SQL("WITH ") + rows_of(statement, rule.input, place, clock, 0, 1, rule) + gaps
