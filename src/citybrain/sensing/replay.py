"""A rule file run over history, without a signal: alerts a day, how right they would have been, what changes.

The rules as they stand and those of the changed file are run over the same rows, from one clear beginning. An
alert is right when the case that the live rule opened there and then was closed, and wrong when it was
voided; alerts of which nobody has judged yet count for neither.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from citybrain.sensing.input_rows import INPUT
from citybrain.sensing.rule_file import ReadingRule, RowsRule, RuleFile, SilenceRule
from citybrain.sensing.scope import scope_of_all
from citybrain.sensing.statement import Statement
from citybrain.sensing.sweep import CLEAN, find_spells
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

Connection = psycopg.Connection[Any]
CITY_TIME = ZoneInfo("Asia/Shanghai")
TIMEOUT = timedelta(minutes=30)
FOUND = """
SELECT subject, class_code, confirmed_at, ended_at, started_at FROM pg_temp.found
WHERE confirmed_at BETWEEN %(since)s AND %(until)s ORDER BY confirmed_at, subject, class_code
"""
REVIEWED = """
SELECT o.subject, o.started_at, o.ended_at, c.state
FROM sensing.spell AS o
INNER JOIN ops.signal AS s ON s.key = o.told_key
INNER JOIN ops.event_case AS c ON c.id = s.case_id
WHERE o.detector = %(detector)s AND o.rule = %(rule)s AND c.state IN ('closed', 'voided')
    AND o.started_at <= %(until)s AND coalesce(o.ended_at, 'infinity') >= %(since)s
"""


@dataclass(frozen=True)
class Alert:
    subject: str
    class_code: str
    at: datetime
    ended_at: datetime | None
    started_at: datetime

    def overlaps(self, other: "Alert") -> bool:
        return (self.ended_at is None or other.started_at <= self.ended_at) and (
            other.ended_at is None or self.started_at <= other.ended_at
        )


@dataclass(frozen=True)
class Judged:
    """Alerts of one version of a rule; `right` and `wrong` by the cases that people have judged."""

    alerts: list[Alert]
    right: int
    wrong: int

    @property
    def precision(self) -> float | None:
        reviewed = self.right + self.wrong
        return self.right / reviewed if reviewed else None

    def a_day(self) -> dict[date, int]:
        return dict(sorted(Counter(alert.at.astimezone(CITY_TIME).date() for alert in self.alerts).items()))


@dataclass(frozen=True)
class RuleReplay:
    """`live` is None for a rule that the live file has not, `changed` where the changed file has not."""

    detector: str
    rule: str
    state: Literal["replayed", "not over time", "no rows"]
    live: Judged | None = None
    changed: Judged | None = None
    come: tuple[Alert, ...] = ()
    gone: tuple[Alert, ...] = ()


def replay(
    settings: Settings,
    live: RuleFile,
    changed: RuleFile,
    since: datetime,
    until: datetime,
    tick: Callable[[str], None] = lambda _rule: None,
) -> list[RuleReplay]:
    """Every rule of either file. Nothing is written: each rule's transaction is rolled back."""
    before = {rule.id: rule for rule in live.rules}
    after = {rule.id: rule for rule in changed.rules}
    done = []
    with connect(settings, DatabaseRole.SENSOR, "citybrain replay", TIMEOUT, autocommit=True) as city:
        for name in sorted(before | after):
            tick(name)
            old, new = before.get(name), after.get(name)
            if isinstance(old or new, RowsRule):  # a table tells how it is, not how it was
                done.append(RuleReplay(live.id, name, "not over time"))
                continue
            first = _judged(city, live, old, since, until)
            second = _judged(city, changed, new, since, until)
            if not first and not second:
                done.append(RuleReplay(live.id, name, "no rows"))
                continue
            come = _without(second, first)
            gone = _without(first, second)
            done.append(RuleReplay(live.id, name, "replayed", first, second, come, gone))
    return done


def _judged(
    city: Connection,
    file: RuleFile,
    rule: ReadingRule | SilenceRule | RowsRule | None,
    since: datetime,
    until: datetime,
) -> Judged | None:
    if rule is None or isinstance(rule, RowsRule):
        return None
    with city.transaction(force_rollback=True):
        clock = _clock(city, rule, until)
        if clock is None:
            return None
        city.execute(CLEAN)
        scope_of_all(city, file, rule, since, clock)
        find_spells(city, file, rule, clock)
        span = {"since": since, "until": until, "detector": file.id, "rule": rule.id}
        alerts = [Alert(*row) for row in city.execute(FOUND, span).fetchall()]
        reviewed = [
            (Alert(subject, "", started, ended, started), state)
            for subject, started, ended, state in city.execute(REVIEWED, span).fetchall()
        ]
    right = wrong = 0
    for alert in alerts:
        states = {state for case, state in reviewed if case.subject == alert.subject and alert.overlaps(case)}
        right += "closed" in states
        wrong += states == {"voided"}
    return Judged(alerts, right, wrong)


def _clock(city: Connection, rule: ReadingRule | SilenceRule, until: datetime) -> datetime | None:
    """The newest moment of the rule's rows up to `until`."""
    statement = Statement()
    query = sql.SQL(
        "SELECT max((i.{at})::timestamptz) FROM {relation} AS i WHERE {where} AND i.{at} <= {until}"
    ).format(
        at=sql.Identifier(rule.input.at),
        relation=statement.relation(rule.input.relation),
        where=statement.conditions(rule.input.where, {"": INPUT}, statement.bind(until)),
        until=statement.bind(until),
    )
    row = city.execute(query, statement.parameters).fetchone()
    return row[0] if row else None


def _without(one: Judged | None, other: Judged | None) -> tuple[Alert, ...]:
    """The alerts of `one` that overlap none of the same subject and class of `other`."""
    if one is None:
        return ()
    known: dict[tuple[str, str], list[Alert]] = {}
    for alert in other.alerts if other else []:
        known.setdefault((alert.subject, alert.class_code), []).append(alert)
    return tuple(
        alert
        for alert in one.alerts
        if not any(alert.overlaps(same) for same in known.get((alert.subject, alert.class_code), []))
    )
