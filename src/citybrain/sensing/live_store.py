"""What live rules read and write: limits by subject, what stands, told spells and their signals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from citybrain.sensing.live_judge import Limits, Said, Standing
from citybrain.sensing.rule_file import ReadingRule, RuleFile
from citybrain.sensing.rule_parts import Place
from citybrain.sensing.statement import Statement, resolve
from citybrain.sensing.telling import Teller, clear_rounds_of, facts_of, key_of, places_of

Connection = psycopg.Connection[Any]
Key = tuple[str, str]  # subject and class

# A sweep of the rule is at work: the next moment will do.
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('sweep ' || %s))"
STANDING = """
SELECT subject, class_code, started_at, judged_until, raised, good, peak, threshold, confirmed_at, told_key
FROM sensing.live_standing WHERE detector = %s AND rule = %s AND rule_sha256 = %s
"""
FORGET = "DELETE FROM sensing.live_standing WHERE detector = %s AND rule = %s AND rule_sha256 <> %s"
KEEP = """
INSERT INTO sensing.live_standing (detector, rule, subject, class_code, rule_sha256, started_at, judged_until,
    raised, good, peak, threshold, confirmed_at, told_key)
VALUES (%(detector)s, %(rule)s, %(subject)s, %(class_code)s, %(sha)s, %(started_at)s, %(judged_until)s,
    %(raised)s, %(good)s, %(peak)s, %(threshold)s, %(confirmed_at)s, %(told_key)s)
ON CONFLICT (detector, rule, subject, class_code) DO UPDATE SET rule_sha256 = excluded.rule_sha256,
    started_at = excluded.started_at, judged_until = excluded.judged_until, raised = excluded.raised,
    good = excluded.good, peak = excluded.peak, threshold = excluded.threshold,
    confirmed_at = excluded.confirmed_at, told_key = excluded.told_key
"""
QUIET = """
DELETE FROM sensing.live_standing
WHERE detector = %(detector)s AND rule = %(rule)s AND subject = %(subject)s AND class_code = %(class_code)s
"""
# A spell that overlaps, told by a sweep or by the process before this one.
TOLD = """
SELECT told_key FROM sensing.spell
WHERE detector = %(detector)s AND rule = %(rule)s AND subject = %(subject)s AND class_code = %(class_code)s
    AND told_key IS NOT NULL AND started_at <= %(confirmed_at)s
    AND coalesce(ended_at, 'infinity') >= %(started_at)s
ORDER BY started_at DESC LIMIT 1
"""
TOLD_UNTIL = """
SELECT max(told_until) FROM sensing.spell
WHERE detector = %(detector)s AND rule = %(rule)s AND subject = %(subject)s AND class_code = %(class_code)s
"""
# The sweep may know its beginning, and wait for the reading that confirms it.
CONFIRM = """
UPDATE sensing.spell SET confirmed_at = greatest(started_at, %(confirmed_at)s),
    last_observed_at = %(confirmed_at)s, peak = %(peak)s, threshold = %(threshold)s, live = true,
    changed_at = now()
WHERE detector = %(detector)s AND rule = %(rule)s AND subject = %(subject)s AND class_code = %(class_code)s
    AND ended_at IS NULL AND told_key IS NULL
RETURNING spell_id, started_at
"""
BEGIN = """
INSERT INTO sensing.spell (detector, rule, subject, class_code, started_at, confirmed_at, last_observed_at,
    peak, threshold, live)
VALUES (%(detector)s, %(rule)s, %(subject)s, %(class_code)s, %(started_at)s, %(confirmed_at)s,
    %(confirmed_at)s, %(peak)s, %(threshold)s, true)
ON CONFLICT (detector, rule, subject, class_code, started_at) DO UPDATE SET ended_at = NULL,
    confirmed_at = excluded.confirmed_at, last_observed_at = excluded.last_observed_at, peak = excluded.peak,
    threshold = excluded.threshold, live = true, changed_at = now()
RETURNING spell_id, started_at
"""
NOTE = "UPDATE sensing.spell SET told_key = %s, told_until = %s WHERE spell_id = %s"
END = """
UPDATE sensing.spell SET ended_at = greatest(confirmed_at, %(ended_at)s), peak = %(peak)s, live = true,
    changed_at = now()
WHERE detector = %(detector)s AND rule = %(rule)s AND told_key = %(told_key)s AND cleared_key IS NULL
RETURNING spell_id, started_at
"""
NOTE_END = "UPDATE sensing.spell SET cleared_key = %s, told_until = %s WHERE spell_id = %s"


def limits_of(city: Connection, place: Place, rule: ReadingRule) -> dict[str, dict[str, Limits]]:
    """Limits of every subject of the register, by class; a class without a limit is left out.

    Raises psycopg.errors.UndefinedTable while there is no register.
    """
    statement, alias = Statement(), {"place.": sql.Identifier("p")}

    def number(limit: float | str) -> sql.Composable:
        column = resolve(limit, alias) if isinstance(limit, str) else statement.bind(limit)
        return sql.SQL("({})::double precision").format(column)

    columns = [number(limit) for level in rule.levels for limit in (level.raise_at, level.hysteresis)]
    query = sql.SQL("SELECT (p.{})::text, {} FROM {} AS p WHERE {}").format(
        sql.Identifier(place.subject),
        sql.SQL(", ").join(columns),
        statement.relation(place.relation),
        statement.conditions(place.where, {"": sql.Identifier("p")}, sql.SQL("now()")),
    )
    found = {}
    for subject, *limits in city.execute(query, statement.parameters):
        pairs = zip(limits[::2], limits[1::2], strict=True)
        found[subject] = {
            level.class_: Limits.of(rule, raise_at, hysteresis or 0.0)
            for level, (raise_at, hysteresis) in zip(rule.levels, pairs, strict=True)
            if raise_at is not None
        }
    return found


def load_standing(city: Connection, file: RuleFile, rule: ReadingRule) -> dict[Key, Standing]:
    """What stood when the last process wrote; of a rule as it stands now."""
    known = (file.id, rule.id, file.sha256(rule))
    city.execute(FORGET, known)
    found = {}
    for row in city.cursor(row_factory=dict_row).execute(STANDING, known):
        key = row.pop("subject"), row.pop("class_code")
        found[key] = Standing(**row)
    return found


def write(
    city: Connection,
    file: RuleFile,
    rule: ReadingRule,
    dirty: set[Key],
    standing: Mapping[Key, Standing],
    said: list[tuple[Key, Said, Standing]],
) -> int:
    """Tell what was said and keep what stands, in one transaction; how many signals there were.

    `dirty` and `said` are empty after it, unless a sweep of the rule is at work: then nothing is done.
    """
    known = {"detector": file.id, "rule": rule.id, "sha": file.sha256(rule)}
    told = 0
    keys: list[tuple[Standing, str]] = []
    with city.transaction():
        row = city.execute(ALONE, (f"{file.id}/{rule.id}",)).fetchone()
        if row is None or not row[0]:
            return 0
        if said:
            places = places_of(city, file.register, sorted({key[0] for key, _, _ in said}), {})
            for (subject, class_code), what, one in said:
                named = known | {"subject": subject, "class_code": class_code} | vars(one)
                before = next((key for other, key in reversed(keys) if other is one), one.told_key)
                teller = Teller(city, file, rule, places, _told_until(city, named))
                if what == "detected":
                    keys.append((one, _begin(city, teller, file, rule, named)))
                else:
                    _end(city, teller, rule, named | {"told_key": before})
                told += len(teller.signals)
        for key, told_key in keys:
            key.told_key = told_key
        for subject, class_code in dirty:
            named = known | {"subject": subject, "class_code": class_code}
            now = standing.get((subject, class_code))
            city.execute(QUIET if now is None else KEEP, named if now is None else named | vars(now))
    dirty.clear()
    said.clear()
    return told


def _told_until(city: Connection, named: dict[str, Any]) -> dict[Key, datetime]:
    row = city.execute(TOLD_UNTIL, named).fetchone()
    if row is None or row[0] is None:
        return {}
    return {(named["subject"], named["class_code"]): row[0]}


def _begin(city: Connection, teller: Teller, file: RuleFile, rule: ReadingRule, named: dict[str, Any]) -> str:
    """Tell that a spell stands, unless it was told; the key of its signal."""
    known = city.execute(TOLD, named).fetchone()
    if known is not None:
        return str(known[0])
    row = city.execute(CONFIRM, named).fetchone() or city.execute(BEGIN, named).fetchone()
    assert row is not None  # noqa: S101 - an INSERT that updates on conflict returns its row
    spell, started = row
    subject, class_code = named["subject"], named["class_code"]
    facts = facts_of(rule, started, named["peak"], named["threshold"])
    own = key_of(file, rule, subject, class_code, started)
    key = teller.tell(own, "detected", subject, class_code, named["confirmed_at"], facts, None, None)
    city.execute(NOTE, (key, teller.told_until[subject, class_code], spell))
    return key


def _end(city: Connection, teller: Teller, rule: ReadingRule, named: dict[str, Any]) -> None:
    """Tell that a spell is over, unless a sweep has told it."""
    row = city.execute(END, named).fetchone()
    if row is None:
        return
    spell, started = row
    subject, class_code = named["subject"], named["class_code"]
    facts = facts_of(rule, started, named["peak"], named["threshold"])
    facts |= {"ended_at": named["ended_at"].isoformat(), "clear_rounds": clear_rounds_of(rule)}
    key = teller.tell(
        f"{named['told_key']}:cleared", "cleared", subject, class_code, named["ended_at"], facts, None, None
    )
    city.execute(NOTE_END, (key, teller.told_until[subject, class_code], spell))
