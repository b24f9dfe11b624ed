"""From what was found to what is told: spells replaced in their place, and a signal for each change.

`pg_temp.found` holds the spells of the subjects in `pg_temp.scope` from their anchors on. They take the place
of the kept ones that reach there; a spell that overlaps one which was told of inherits its signals. All of it
is part of the sweep's one transaction, so a kill leaves either the spells and their signals, or neither.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from citybrain.sensing.ahead import spells_ahead
from citybrain.sensing.rule_file import RowsRule, RuleFile
from citybrain.sensing.statement import Relations
from citybrain.sensing.telling import AnyRule, Signal, Teller, clear_rounds_of, facts_of, key_of, places_of

Connection = psycopg.Connection[Any]

REACHED = """
CREATE TEMP TABLE kept ON COMMIT DROP AS
SELECT o.* FROM sensing.spell AS o INNER JOIN pg_temp.scope AS s USING (subject)
WHERE o.detector = %(detector)s AND o.rule = %(rule)s AND coalesce(o.ended_at, 'infinity') >= s.anchor
    AND o.spell_id <> ALL(%(ahead)s)
"""
FORGET = "DELETE FROM sensing.spell AS o USING pg_temp.kept AS k WHERE o.spell_id = k.spell_id"
KEEP = """
INSERT INTO sensing.spell (detector, rule, subject, class_code, started_at, confirmed_at, ended_at,
    last_observed_at, peak, threshold, lon, lat, detail, told_key, cleared_key, told_until)
SELECT %(detector)s, %(rule)s, f.subject, f.class_code, f.started_at, f.confirmed_at, f.ended_at,
    f.last_observed_at, f.peak, f.threshold, f.lon, f.lat, f.detail, told.told_key, told.cleared_key,
    told.told_until
FROM pg_temp.found AS f
LEFT JOIN LATERAL (
    SELECT k.told_key, k.cleared_key, k.told_until FROM pg_temp.kept AS k
    WHERE k.subject = f.subject AND k.class_code = f.class_code AND k.told_key IS NOT NULL
        AND f.confirmed_at IS NOT NULL AND k.started_at <= coalesce(f.ended_at, 'infinity')
        AND coalesce(k.ended_at, 'infinity') >= f.started_at
        AND NOT EXISTS (
            SELECT FROM pg_temp.found AS e
            WHERE e.subject = f.subject AND e.class_code = f.class_code AND e.confirmed_at IS NOT NULL
                AND e.started_at < f.started_at AND coalesce(e.ended_at, 'infinity') >= k.started_at)
    ORDER BY k.cleared_key IS NOT NULL, k.started_at LIMIT 1
) AS told ON true
"""
# What was told to stand and stands no longer under any spell: the rows behind it were corrected.
RETRACTED = """
SELECT k.subject, k.class_code, k.told_key, k.started_at, k.confirmed_at, k.peak, k.threshold, k.detail,
    k.lon, k.lat
FROM pg_temp.kept AS k
WHERE k.told_key IS NOT NULL AND k.cleared_key IS NULL AND NOT EXISTS (
    SELECT FROM sensing.spell AS o
    WHERE o.detector = k.detector AND o.rule = k.rule AND o.subject = k.subject AND o.told_key = k.told_key)
ORDER BY k.subject, k.class_code, k.started_at
"""
# A spell that late rows bring to light before one that was told is no news: it is kept, and not told.
UNTOLD = """
SELECT o.spell_id, o.subject, o.class_code, o.started_at, o.confirmed_at, o.ended_at, o.peak, o.threshold,
    o.lon, o.lat, o.detail, o.told_key, o.cleared_key
FROM sensing.spell AS o INNER JOIN pg_temp.scope AS s USING (subject)
WHERE o.detector = %(detector)s AND o.rule = %(rule)s AND o.confirmed_at IS NOT NULL
    AND ((o.told_key IS NULL AND coalesce(o.ended_at, 'infinity') >= %(tell_since)s AND NOT EXISTS (
            SELECT FROM sensing.spell AS later
            WHERE later.detector = o.detector AND later.rule = o.rule AND later.subject = o.subject
                AND later.class_code = o.class_code AND later.told_key IS NOT NULL
                AND later.started_at > o.started_at))
        OR (o.told_key IS NOT NULL AND (o.ended_at IS NULL) = (o.cleared_key IS NOT NULL)))
ORDER BY o.confirmed_at, o.subject, o.class_code
"""
# A row that comes late may move an edge to before what was told already: no signal is older than the last.
TOLD_UNTIL = """
SELECT subject, class_code, max(told_until) FROM (
    SELECT subject, class_code, told_until FROM pg_temp.kept
    UNION ALL
    SELECT o.subject, o.class_code, o.told_until
    FROM sensing.spell AS o INNER JOIN pg_temp.scope AS s USING (subject)
    WHERE o.detector = %(detector)s AND o.rule = %(rule)s
) AS told WHERE told_until IS NOT NULL GROUP BY subject, class_code
"""


@dataclass(frozen=True)
class Told:
    """The signals of one sweep of a rule, in the order they were added."""

    signals: list[Signal] = field(default_factory=list)

    @property
    def detected(self) -> int:
        return sum(signal.kind == "detected" for signal in self.signals)

    @property
    def cleared(self) -> int:
        return sum(signal.kind == "cleared" for signal in self.signals)


def settle(
    connection: Connection, file: RuleFile, rule: AnyRule, clock: datetime, stand_ins: Relations | None = None
) -> Told:
    """Put `found` in the place of what was kept, and tell what changed."""
    known = {
        "detector": file.id,
        "rule": rule.id,
        "tell_since": clock - timedelta(hours=file.tell_within_hours),
        "ahead": spells_ahead(connection, rule, file.id, stand_ins or {}),
    }
    connection.execute(REACHED, known)
    connection.execute(FORGET)
    connection.execute(KEEP, known)
    retracted = connection.execute(RETRACTED).fetchall()
    untold = connection.execute(UNTOLD, known).fetchall()
    if not retracted and not untold:
        return Told()
    places: dict[str, dict[str, Any]] = {}
    if not isinstance(rule, RowsRule):  # rows tell their place themselves
        subjects = sorted({row[0] for row in retracted} | {row[1] for row in untold})
        places = places_of(connection, file.register, subjects, stand_ins or {})
    told_until = connection.execute(TOLD_UNTIL, known).fetchall()
    teller = Teller(connection, file, rule, places, {row[:2]: row[2] for row in told_until})
    for subject, class_code, key, started, confirmed, peak, threshold, detail, lon, lat in retracted:
        facts = {"started_at": started.isoformat(), "retracted": True, "peak": peak, "threshold": threshold}
        facts |= {"clear_rounds": clear_rounds_of(rule)}
        teller.tell(f"{key}:cleared", "cleared", subject, class_code, confirmed, facts | detail, lon, lat)
    for row in untold:
        _tell_spell(connection, teller, file, rule, row)
    return Told(teller.signals)


def _tell_spell(
    connection: Connection, teller: "Teller", file: RuleFile, rule: AnyRule, row: tuple[Any, ...]
) -> None:
    """The beginning, the end, or both: of a spell that is over when it is first seen."""
    (spell, subject, class_code, started, confirmed, ended, peak, threshold, lon, lat, detail, key, gone) = (
        row
    )
    facts = facts_of(rule, started, peak, threshold) | detail
    if key is None or gone is not None:  # not told, or told to be over too early
        own = key_of(file, rule, subject, class_code, started)
        key = teller.tell(own, "detected", subject, class_code, confirmed, facts, lon, lat)
        gone = None
    if ended is not None:
        facts |= {"ended_at": ended.isoformat(), "clear_rounds": clear_rounds_of(rule)}
        gone = teller.tell(f"{key}:cleared", "cleared", subject, class_code, ended, facts, lon, lat)
    connection.execute(
        "UPDATE sensing.spell SET told_key = %s, cleared_key = %s, told_until = %s WHERE spell_id = %s",
        (key, gone, teller.told_until[subject, class_code], spell),
    )
