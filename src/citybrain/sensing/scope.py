"""What a sweep works out anew: the subjects that new rows speak of, each from its anchor on.

The anchor is the first new row, or the beginning of the spell that stood then, so that a row which comes late
moves a spell's edges instead of cutting it. Nothing before the lateness of the detector is touched: of a
spell that began before, its beginning is carried.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from citybrain.sensing.arrivals import Arrivals, arrivals_since, parts_of
from citybrain.sensing.references import first_new_reference, name_references
from citybrain.sensing.rule_file import ReadingRule, RuleFile, SilenceRule
from citybrain.sensing.rule_parts import Place
from citybrain.sensing.statement import Relations, Statement

Connection = psycopg.Connection[Any]

CREATE_SCOPE = """
CREATE TEMP TABLE scope (subject text PRIMARY KEY, anchor timestamptz NOT NULL, reference text)
ON COMMIT DROP
"""
CREATE_CARRIED = """
CREATE TEMP TABLE carried ON COMMIT DROP AS
SELECT o.subject, o.class_code, o.started_at, o.peak, o.confirmed_at, o.threshold
FROM sensing.spell AS o INNER JOIN pg_temp.scope AS s USING (subject)
WHERE o.detector = %(detector)s AND o.rule = %(rule)s
    AND o.started_at < s.anchor AND coalesce(o.ended_at, 'infinity') >= s.anchor
"""
EMPTY_CARRIED = """
CREATE TEMP TABLE carried (subject text, class_code text, started_at timestamptz, peak double precision,
    confirmed_at timestamptz, threshold double precision) ON COMMIT DROP
"""
FILL = """
INSERT INTO pg_temp.scope (subject, anchor)
SELECT (i.{subject})::text, min((i.{at})::timestamptz)
FROM {relation} AS i
WHERE {where} AND (i.{arrived})::timestamptz > {since}
    AND (i.{at})::timestamptz >= {horizon} AND (i.{at})::timestamptz <= {clock}
    AND i.{subject} IS NOT NULL
GROUP BY 1
"""
TOO_LATE = """
SELECT count(*) FROM {relation} AS i
WHERE {where} AND (i.{arrived})::timestamptz > {since} AND (i.{at})::timestamptz < {horizon}
"""
# A spell that stood at the first new row begins before it: from there on, but not from before the horizon.
# One that was told from messages and never judged by their rows is reached in any case: the message of its
# end may be missing among them.
REACH_BACK = """
UPDATE pg_temp.scope AS s SET anchor = least(s.anchor, o.begin)
FROM (
    SELECT o.subject, greatest(min(o.started_at), %(horizon)s) AS begin
    FROM sensing.spell AS o INNER JOIN pg_temp.scope AS s USING (subject)
    WHERE o.detector = %(detector)s AND o.rule = %(rule)s
        AND o.started_at <= s.anchor
        AND coalesce(o.ended_at, 'infinity') >= CASE WHEN o.live THEN %(horizon)s ELSE s.anchor END
    GROUP BY o.subject
) AS o
WHERE o.subject = s.subject
"""
ALL_SUBJECTS = """
INSERT INTO pg_temp.scope (subject, anchor)
SELECT DISTINCT (p.{subject})::text, {anchor}::timestamptz FROM {relation} AS p
WHERE {where} AND p.{subject} IS NOT NULL
ON CONFLICT (subject) DO UPDATE SET anchor = least(scope.anchor, excluded.anchor)
"""


def fill_scope(
    connection: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule,
    before: Mapping[str, Any] | None,
    stand_ins: Relations | None = None,
) -> tuple[Arrivals, int] | None:
    """Make `scope` and `carried`; what arrived and the number of rows that came too late. None when nothing
    is new.

    before: the row of `sensing.swept`; None for a rule that was never swept, or not as it stands.
    """
    arrivals = arrivals_since(connection, file, rule, before, stand_ins or {})
    if arrivals is None:
        return None
    connection.execute(CREATE_SCOPE)
    since = before["arrived_until"] if before else None
    late = _fill(
        connection, rule, arrivals, since or datetime.min.replace(tzinfo=arrivals.clock.tzinfo), stand_ins
    )
    known = {"detector": file.id, "rule": rule.id, "horizon": arrivals.horizon}
    _widen(connection, file, rule, arrivals, before, stand_ins or {})
    _reach_back(connection, rule, known)
    connection.execute(CREATE_CARRIED, known)
    return arrivals, late


def scope_of_all(
    connection: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule,
    anchor: datetime,
    clock: datetime,
    stand_ins: Relations | None = None,
) -> None:
    """Make `scope` of every subject with rows from `anchor` to `clock`; nothing is carried."""
    connection.execute(CREATE_SCOPE)
    connection.execute(EMPTY_CARRIED)
    statement = Statement(dict(stand_ins or {}))
    fill = sql.SQL(FILL).format(
        **parts_of(statement, rule, clock),
        since=statement.bind("-infinity"),
        horizon=statement.bind(anchor),
        clock=statement.bind(clock),
    )
    connection.execute(fill, statement.parameters)
    connection.execute("UPDATE pg_temp.scope SET anchor = %s", (anchor,))
    if isinstance(rule, ReadingRule) and rule.compare is not None:
        name_references(connection, rule.compare, file.register, stand_ins or {})


def _fill(
    connection: Connection,
    rule: ReadingRule | SilenceRule,
    arrivals: Arrivals,
    since: datetime,
    stand_ins: Relations | None,
) -> int:
    statement = Statement(dict(stand_ins or {}))
    begin = "-infinity" if arrivals.first else since
    parts = parts_of(statement, rule, arrivals.clock)
    parts |= {
        "since": statement.bind(begin),
        "horizon": statement.bind(arrivals.horizon),
        "clock": statement.bind(arrivals.clock),
    }
    connection.execute(sql.SQL(FILL).format(**parts), statement.parameters)
    if arrivals.first:
        return 0
    row = connection.execute(sql.SQL(TOO_LATE).format(**parts), statement.parameters).fetchone()
    return int(row[0]) if row else 0


def _widen(
    connection: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule,
    arrivals: Arrivals,
    before: Mapping[str, Any] | None,
    stand_ins: Relations,
) -> None:
    """Subjects that new rows of others change: silence of all, peers, and those with a late reference."""
    if isinstance(rule, SilenceRule):
        _add_register(connection, file.register, before["clock"] if before else arrivals.horizon, stand_ins)
        return
    if rule.compensate is not None:
        _add_register(connection, file.register, _first_anchor(connection), stand_ins)
    if rule.compare is not None:
        late = first_new_reference(connection, rule.compare, before, arrivals, stand_ins)
        if late is not None:
            _add_register(connection, file.register, late, stand_ins)
        name_references(connection, rule.compare, file.register, stand_ins)


def _reach_back(connection: Connection, rule: ReadingRule | SilenceRule, known: dict[str, Any]) -> None:
    """To the beginnings of spells; where subjects are judged by each other, to one anchor of all of them."""
    if not isinstance(rule, ReadingRule) or rule.compensate is None:
        connection.execute(REACH_BACK, known)
        return
    first, reached = None, _first_anchor(connection)
    while reached != first:
        first = reached
        connection.execute("UPDATE pg_temp.scope SET anchor = %s", (first,))
        connection.execute(REACH_BACK, known)
        reached = _first_anchor(connection)


def _first_anchor(connection: Connection) -> datetime | None:
    row = connection.execute("SELECT min(anchor) FROM pg_temp.scope").fetchone()
    return row[0] if row else None


def _add_register(
    connection: Connection, place: Place, anchor: datetime | None, stand_ins: Relations
) -> None:
    """Every subject of the register, from `anchor` on; none when there is no anchor."""
    if anchor is None:
        return
    statement = Statement(dict(stand_ins))
    register = sql.SQL(ALL_SUBJECTS).format(
        subject=sql.Identifier(place.subject),
        anchor=statement.bind(anchor),
        relation=statement.relation(place.relation),
        where=statement.conditions(place.where, {"": sql.Identifier("p")}, statement.bind(anchor)),
    )
    connection.execute(register, statement.parameters)
