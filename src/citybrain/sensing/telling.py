"""Signals of rules: their keys, what they say of a spell, and where it stands."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from citybrain.sensing.rule_file import ReadingRule, RowsRule, RuleFile, SilenceRule
from citybrain.sensing.rule_parts import Place
from citybrain.sensing.statement import Relations, Statement

Connection = psycopg.Connection[Any]
CITY_TIME = ZoneInfo("Asia/Shanghai")
LONGEST_SOURCE = 64  # of ops.event_case.source_id
AnyRule = ReadingRule | SilenceRule | RowsRule

_COLUMNS = (
    *("key", "scenario", "class_code", "kind", "source_kind", "source_id", "place_id", "place_name"),
    *("area_code", "lon", "lat", "observed_at", "detail", "model", "origin"),
)
_ADD = sql.SQL("INSERT INTO ops.signal ({}) VALUES ({}) ON CONFLICT (key) DO NOTHING").format(
    sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)), sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS))
)


@dataclass(frozen=True)
class Signal:
    """What was added to ops.signal."""

    key: str
    kind: str
    subject: str
    class_code: str
    observed_at: datetime


def key_of(file: RuleFile, rule: AnyRule, subject: str, class_code: str, started: datetime) -> str:
    """The key of the signal that tells of a spell, whoever tells it first."""
    began = started.astimezone(CITY_TIME).isoformat()
    return f"{file.id}:{rule.id}:{subject}:{class_code}:{began}"


def facts_of(rule: AnyRule, started: datetime, peak: float | None, threshold: float | None) -> dict[str, Any]:
    """What a signal says of its spell beside when and where."""
    return {
        "rule": rule.id,
        "rule_title": rule.title.zh,
        "started_at": started.isoformat(),
        "peak": peak,
        "threshold": threshold,
        "unit": getattr(rule, "unit", ""),
    }


def clear_rounds_of(rule: AnyRule) -> int:
    """For how many readings in a row a signal of a spell's end speaks."""
    if isinstance(rule, ReadingRule):
        return rule.clear_after
    return rule.clear_rounds if isinstance(rule, RowsRule) else 1


class Teller:
    """Adds signals of one rule."""

    def __init__(
        self,
        connection: Connection,
        file: RuleFile,
        rule: AnyRule,
        places: dict[str, dict[str, Any]],
        told_until: dict[tuple[str, str], datetime],
    ) -> None:
        self.told_until = told_until
        self._connection, self._file, self._rule, self._places = connection, file, rule, places
        self.signals: list[Signal] = []

    def tell(
        self,
        key: str,
        kind: str,
        subject: str,
        class_code: str,
        moment: datetime,
        detail: dict[str, Any],
        lon: float | None,
        lat: float | None,
    ) -> str:
        """Add one signal; its key, numbered when a spell that began then was told of before."""
        moment = max(moment, self.told_until.get((subject, class_code), moment))
        self.told_until[subject, class_code] = moment
        health = self._rule.tell == "health"
        place = {"name": detail.get("place_name"), "area": detail.get("area_code")}
        place |= self._places.get(subject, {})
        told = ("place_name", "area_code")  # in columns of their own
        row = {
            "scenario": self._file.scenario,
            "class_code": "normal" if health and kind == "cleared" else class_code,
            "kind": "health" if health else kind,
            "source_kind": self._file.source_kind,
            "source_id": source_of(subject),
            "place_id": place.get("id") or "",
            "place_name": (place.get("name") or subject)[:200],
            "area_code": place.get("area") or "",
            "lon": place.get("lon") if lon is None else round(lon, 6),
            "lat": place.get("lat") if lat is None else round(lat, 6),
            "observed_at": moment,
            "detail": Jsonb(
                {name: detail[name] for name in detail if name not in told and detail[name] is not None}
            ),
            "model": f"{self._file.id}/{self._rule.id}@{self._file.sha256(self._rule)[:12]}",
            "origin": self._file.origin,
        }
        for number in count(1):
            numbered = key if number == 1 else f"{key}:{number}"
            if self._connection.execute(_ADD, {**row, "key": numbered}).rowcount:
                break
        self.signals.append(Signal(numbered, kind, subject, class_code, moment))
        return numbered


def source_of(subject: str) -> str:
    """The subject as a case's source, which holds 64 characters: a longer one ends in a digest of itself."""
    if len(subject) <= LONGEST_SOURCE:
        return subject
    return f"{subject[: LONGEST_SOURCE - 17]}-{hashlib.sha256(subject.encode()).hexdigest()[:16]}"


def places_of(
    connection: Connection, place: Place, subjects: list[str], stand_ins: Relations
) -> dict[str, dict[str, Any]]:
    """What the register says of the subjects: name, area, id, position."""
    statement = Statement(dict(stand_ins))
    columns = {
        "lon": (place.longitude, "double precision"),
        "lat": (place.latitude, "double precision"),
        "id": (place.id, "text"),
        "area": (place.area, "text"),
    }
    picked = [
        sql.SQL("({})::{} AS {}").format(
            sql.SQL("p.{}").format(sql.Identifier(column)) if column else sql.SQL("NULL"),
            sql.SQL(kind),
            sql.Identifier(name),
        )
        for name, (column, kind) in columns.items()
    ]
    names = sql.SQL(", ").join(sql.SQL("p.{}").format(sql.Identifier(column)) for column in place.name)
    query = sql.SQL(
        "SELECT (p.{subject})::text, concat_ws(' ', {names}), {picked} FROM {relation} AS p"
        " WHERE (p.{subject})::text = ANY({wanted})"
    ).format(
        subject=sql.Identifier(place.subject),
        names=names,
        picked=sql.SQL(", ").join(picked),
        relation=statement.relation(place.relation),
        wanted=statement.bind(subjects),
    )
    rows = connection.execute(query, statement.parameters).fetchall()
    return {
        subject: {"name": name, "lon": lon, "lat": lat, "id": own, "area": area}
        for subject, name, lon, lat, own, area in rows
    }
