"""Values put together to spells: from when to when a subject was beyond a limit, and confirmed when."""

from datetime import timedelta

from psycopg import sql

from citybrain.sensing.input_rows import limit_of
from citybrain.sensing.rule_file import ReadingRule
from citybrain.sensing.rule_parts import Level, Place
from citybrain.sensing.statement import Statement

FOUND_COLUMNS = (
    "subject text, class_code text, started_at timestamptz, confirmed_at timestamptz, ended_at timestamptz,"
    " last_observed_at timestamptz, peak double precision, threshold double precision,"
    " lon double precision, lat double precision, detail jsonb"
)

# A verdict is 1 from the limit on, 0 when the value has gone back far enough, null between. Good readings
# count when {good} of them follow each other. A carried spell comes in as its own beginning.
SPELLS = """,
limits AS (
    SELECT v.subject, v.anchor, v.at, v.lon, v.lat, v.value, v.holds, l.class_code, l.raise_at, l.hysteresis
    FROM {judged} AS v
    LEFT JOIN {place} AS p ON (p.{place_subject})::text = v.subject
    CROSS JOIN LATERAL (VALUES {levels}) AS l (class_code, raise_at, hysteresis)
    WHERE l.raise_at IS NOT NULL
),
judged AS (
    SELECT subject, anchor, at, lon, lat, value, class_code, raise_at,
        CASE WHEN NOT holds THEN 0
            WHEN {sign} * value >= {sign} * raise_at THEN 1
            WHEN {sign} * value < {sign} * raise_at - hysteresis THEN 0 END AS said
    FROM limits
),
settled AS (
    SELECT subject, class_code, at, lon, lat, value, raise_at, NULL::timestamptz AS confirmed_at, anchor,
        CASE WHEN said = 0 AND count(*) FILTER (WHERE said = 0) OVER (
            PARTITION BY subject, class_code ORDER BY at ROWS BETWEEN {good_before} PRECEDING AND CURRENT ROW
        ) < {good} THEN NULL ELSE said END AS verdict
    FROM judged
),
followed AS (
    SELECT subject, class_code, at, lon, lat, value, raise_at, confirmed_at, verdict
    FROM settled WHERE at >= anchor
    UNION ALL
    SELECT subject, class_code, started_at, NULL, NULL, peak, threshold, confirmed_at, 1 FROM pg_temp.carried
),
runs AS (
    SELECT *, count(verdict) OVER (PARTITION BY subject, class_code ORDER BY at) AS run FROM followed
),
standing AS (
    SELECT *, coalesce(max(verdict) OVER (PARTITION BY subject, class_code, run), 0) AS stands FROM runs
),
edges AS (
    SELECT *, (stands = 1 AND lag(stands, 1, 0) OVER (PARTITION BY subject, class_code ORDER BY at) = 0)::int
        AS begins
    FROM standing
),
numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY subject, class_code ORDER BY at) AS spell FROM edges
),
counted AS (
    SELECT *,
        count(*) FILTER (WHERE verdict = 1) OVER up_to_here AS raised,
        first_value(at) OVER up_to_here AS first_at
    FROM numbered WHERE spell > 0
    WINDOW up_to_here AS (PARTITION BY subject, class_code, spell ORDER BY at)
),
confirming AS (
    SELECT *, stands = 1 AND verdict = 1 AND raised >= {readings} AND at - first_at >= {minutes} AS confirms
    FROM counted
)
INSERT INTO pg_temp.found
SELECT subject, class_code, min(at) FILTER (WHERE stands = 1),
    least(min(confirmed_at), min(at) FILTER (WHERE confirms)),
    min(at) FILTER (WHERE stands = 0), max(at) FILTER (WHERE stands = 1),
    {sign} * max({sign} * value) FILTER (WHERE stands = 1), min(raise_at),
    (array_agg(lon ORDER BY at) FILTER (WHERE confirms))[1],
    (array_agg(lat ORDER BY at) FILTER (WHERE confirms))[1], '{{}}'
FROM confirming
GROUP BY subject, class_code, spell
"""


def spells_of(statement: Statement, rule: ReadingRule, place: Place, stage: str) -> sql.Composable:
    return sql.SQL(SPELLS).format(
        judged=sql.Identifier(stage),
        place=statement.relation(place.relation),
        place_subject=sql.Identifier(place.subject),
        levels=sql.SQL(", ").join(_level(statement, level) for level in rule.levels),
        sign=sql.SQL("1" if rule.direction == "up" else "(-1)"),
        good=statement.bind(rule.clear_after),
        good_before=statement.bind(rule.clear_after - 1),
        readings=statement.bind(rule.persist.readings),
        minutes=statement.bind(timedelta(minutes=rule.persist.minutes)),
    )


def _level(statement: Statement, level: Level) -> sql.Composable:
    return sql.SQL("({}::text, {}, {})").format(
        statement.bind(level.class_),
        limit_of(statement, level.raise_at),
        limit_of(statement, level.hysteresis),
    )
