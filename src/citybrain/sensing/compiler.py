"""A rule over readings as one statement: rows of the subjects in scope, judged, put together to spells.

Read are `pg_temp.scope` (subject, anchor, reference: what is worked out anew, from when on) and
`pg_temp.carried` (spells that stood at the anchor already). Made is `pg_temp.found`, one row a spell. The
whole is a function of the rows alone, whatever the order they arrived in.
"""

from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import sql

from citybrain.sensing.rule_file import ReadingRule, SilenceRule
from citybrain.sensing.rule_parts import Input, Level, Place
from citybrain.sensing.statement import Statement, resolve

INPUT, PLACE = sql.Identifier("i"), sql.Identifier("p")
FOUND_COLUMNS = (
    "subject text, class_code text, started_at timestamptz, confirmed_at timestamptz, ended_at timestamptz,"
    " last_observed_at timestamptz, peak double precision, threshold double precision,"
    " lon double precision, lat double precision, detail jsonb"
)

# Rows of an input for one subject of the scope; {extra} are the rows just before the first one.
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


def compile_reading(statement: Statement, rule: ReadingRule, place: Place, clock: datetime) -> sql.Composed:
    """The statement that fills `found`; its parameters stand in `statement`."""
    context = rule.over.minutes if rule.over else 0
    parts: list[sql.Composable] = [
        sql.SQL("WITH "),
        _rows(statement, rule.input, place, clock, context, rule.clear_after - 1, rule),
    ]
    stage = "rows"
    value, names = sql.SQL("value"), _names(rule.input)
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
    parts.append(_over(statement, rule, stage, value))
    stage = "taken"
    if rule.compare is not None:
        parts.append(_compare(statement, rule, stage))
        stage = "compared"
    parts.append(_spells(statement, rule, place, stage))
    return sql.Composed(parts)


def compile_silence(statement: Statement, rule: SilenceRule, place: Place, clock: datetime) -> sql.Composed:
    """The statement that fills `found` with gaps in what subjects sent."""
    limit = sql.SQL("{} * {}").format(_limit(statement, rule.minutes), statement.bind(rule.times))
    gaps = sql.SQL(SILENCES).format(
        limit=limit,
        place=statement.relation(place.relation),
        place_subject=sql.Identifier(place.subject),
        class_code=statement.bind(rule.class_),
        clock=statement.bind(clock),
    )
    return sql.SQL("WITH ") + _rows(statement, rule.input, place, clock, 0, 1, rule) + gaps


def _rows(
    statement: Statement,
    rows: Input,
    place: Place,
    clock: datetime,
    context_minutes: float,
    before: int,
    rule: ReadingRule | SilenceRule,
) -> sql.Composed:
    bound_clock = statement.bind(clock)
    alias = {"": INPUT, "place.": PLACE}
    minus = rule.minus if isinstance(rule, ReadingRule) else None
    asked = [test for test in rule.while_ if test.column != "reference"]
    picked = sql.SQL(PICKED).format(
        at=sql.Identifier(rows.at),
        value=sql.Identifier(rows.value),
        longitude=_optional(rows.longitude),
        latitude=_optional(rows.latitude),
        minus_input=_number(resolve(minus, alias)) if minus else sql.SQL("NULL::double precision"),
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


def _over(statement: Statement, rule: ReadingRule, stage: str, value: sql.Composable) -> sql.Composable:
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


def _compare(statement: Statement, rule: ReadingRule, stage: str) -> sql.Composable:
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


def _spells(statement: Statement, rule: ReadingRule, place: Place, stage: str) -> sql.Composable:
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
        statement.bind(level.class_), _limit(statement, level.raise_at), _limit(statement, level.hysteresis)
    )


def _limit(statement: Statement, limit: float | str) -> sql.Composable:
    """A number, or a column of the register."""
    if isinstance(limit, str):
        return _number(resolve(limit, {"place.": PLACE}))
    return _number(statement.bind(limit))


def _number(expression: sql.Composable) -> sql.Composable:
    return sql.SQL("({})::double precision").format(expression)


def _optional(column: str | None) -> sql.Composable:
    return (
        _number(sql.SQL("i.{}").format(sql.Identifier(column)))
        if column
        else sql.SQL("NULL::double precision")
    )


def _names(rows: Input) -> dict[str, sql.Composable]:
    return {name: sql.Identifier(getattr(rows, name)) for name in ("subject", "at", "value")}
