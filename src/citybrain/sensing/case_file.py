"""Cases of rules: rows as they come, and the signals that have to come of them.

`detectors/<scenario>/rule_cases/*.yml`. A case is run by the room's own statements, over tables of its own in
a transaction that is rolled back; nothing of the city is read or written.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.expected_signal import ExpectedSignal
from citybrain.sensing.rule_file import (
    ReadingRule,
    RowsRule,
    RuleFile,
    SilenceRule,
    load_rule_file,
    rule_files,
)
from citybrain.sensing.rule_parts import Condition
from citybrain.sensing.sweep import sweep_rule
from citybrain.sensing.telling import AnyRule, Signal
from citybrain.settings import Settings

Connection = psycopg.Connection[Any]
CITY_TIME = ZoneInfo("Asia/Shanghai")
SUBJECT, OTHER, REFERENCE = "it", "another", "station"
Scalar = bool | float | str | date | datetime | None


class WarmUp(ContentModel):
    """What came before the values, again and again; minute 0 is after it."""

    values: list[float | None] = Field(min_length=1)
    times: int = Field(ge=1, le=400)


class Case(ContentModel):
    """One subject, `it`. A null among `values` is a moment without a row; columns that tell the rule's rows
    from others are filled in by the rule's own `where`.
    """

    name: str = Field(min_length=1)
    rule: str
    start: datetime = Field(default=datetime(2026, 1, 5), description="city time")  # noqa: DTZ001
    every_minutes: float = Field(default=15, gt=0)
    place: dict[str, Scalar] = Field(default={}, description="what the register says of it")
    warm_up: WarmUp | None = None
    values: list[float | None] = Field(default=[])
    columns: dict[str, list[Scalar]] = Field(default={}, description="other columns of the same rows")
    peers: list[list[float | None]] = Field(default=[], description="values of others, one list each")
    reference: list[float | None] = Field(default=[], description="of the one station there is")
    until_minute: float | None = Field(default=None, description="another still reports then")
    tables: list[list[dict[str, Scalar]]] = Field(
        default=[], description="for rules over rows: the table as it stands, sweep after sweep"
    )
    outlines: list[str] = Field(default=[], description="GeoJSON that `within` holds rows against")
    expect: list[ExpectedSignal]

    @model_validator(mode="after")
    def _rows_of_one_kind(self) -> "Case":
        if bool(self.values) == bool(self.tables):
            raise ValueError("give `values`, or `tables` for a rule over rows")
        if self.warm_up and (self.columns or self.peers or self.reference):
            raise ValueError("warm_up: only for cases of `values` alone")
        if wrong := [name for name, column in self.columns.items() if len(column) != len(self.values)]:
            raise ValueError(f"columns: {', '.join(wrong)} not as long as `values`")
        return self

    @property
    def begin(self) -> datetime:
        return self.start.replace(tzinfo=CITY_TIME)

    @property
    def numbered(self) -> list[tuple[int, float]]:
        """Values with their places; those of the warm-up have negative ones."""
        before = self.warm_up.values * self.warm_up.times if self.warm_up else []
        every = [*enumerate(before, -len(before)), *enumerate(self.values)]
        return [(place, value) for place, value in every if value is not None]

    def moment(self, place: int) -> datetime:
        return self.begin + timedelta(minutes=self.every_minutes * place)


class RuleCases(ContentModel):
    cases: list[Case] = Field(min_length=1)

    @model_validator(mode="after")
    def _a_near_miss(self) -> "RuleCases":
        if all(case.expect for case in self.cases):
            raise ValueError("no near-miss: one case has to expect nothing")
        return self


@dataclass(frozen=True)
class CaseResult:
    """`reason` says what came out instead; None when the case holds."""

    path: Path
    line: int
    name: str
    reason: str | None


def case_files(rules: Path) -> list[Path]:
    return sorted((rules.parent / "rule_cases").glob("*.yml"))


def rule_faults(settings: Settings) -> Iterator[tuple[Path, int, str]]:
    """Every fault of the files of rules and of their cases, without running them: path, line, reason."""
    for path in rule_files(settings):
        try:
            rules = {rule.id for rule in load_rule_file(path).rules}
            loaded = [(one, load_content(one, RuleCases)) for one in case_files(path)]
        except ContentError as error:
            yield from ((error.path, line, reason) for line, reason in error.faults)
            continue
        if not loaded:
            yield path, 1, f"no cases below {path.parent.name}/rule_cases: nothing shows that the rules hold"
        for file, cases in loaded:
            for place, case in enumerate(cases.cases):
                if case.rule not in rules:
                    yield file, line_of(read_yaml(file), ("cases", place, "rule")), f"no rule {case.rule}"


def run_rule_cases(city: Connection, path: Path) -> list[CaseResult]:
    """Every case of one file of rules, on a connection of the sensor. Raises ContentError."""
    file, results = load_rule_file(path), []
    for cases in case_files(path):
        tree = read_yaml(cases)
        for place, case in enumerate(load_content(cases, RuleCases).cases):
            told = run_case(city, file, case)
            came = ", ".join(str(one) for one in told) or "no signal"
            reason = None if told == case.expect else f"{case.name}: comes {came}"
            results.append(CaseResult(cases, line_of(tree, ("cases", place, "expect")), case.name, reason))
    return results


def run_case(city: Connection, file: RuleFile, case: Case) -> list[ExpectedSignal]:
    """The signals that come of a case, by their moments. Raises KeyError for an unknown rule."""
    with city.transaction(force_rollback=True):
        told = [signal for signal in play(city, file, case) if signal.subject != OTHER]
    told.sort(key=lambda signal: (signal.observed_at, signal.class_code, signal.kind == "cleared"))
    return [
        ExpectedSignal.model_validate(
            {
                "minute": round((signal.observed_at - case.begin).total_seconds() / 60, 3),
                "kind": signal.kind,
                "class": signal.class_code,
            }
        )
        for signal in told
    ]


def play(city: Connection, file: RuleFile, case: Case) -> list[Signal]:
    """Sweep a case's rows and keep what comes of it, under a name of its own: that of no live rules."""
    rule: AnyRule = {one.id: one for one in file.rules}[case.rule]
    trial = file.model_copy(
        update={"id": f"case_{uuid.uuid4().hex}", "first_look_hours": 24 * 365, "tell_within_hours": 24 * 365}
    )
    told = []
    for stand_ins in _states(city, trial, rule, case):
        swept = sweep_rule(city, trial, rule, stand_ins)
        if swept.state not in ("swept", "unchanged"):
            raise ValueError(f"{case.name}: {swept.state}")
        told += swept.signals
    return told


def _states(city: Connection, file: RuleFile, rule: AnyRule, case: Case) -> Iterator[dict[str, str]]:
    """The tables of the case, once for readings, once a sweep for rows."""
    if isinstance(rule, RowsRule):
        for rows in case.tables:
            stand_ins = {rule.relation: _table(city, "rows", rows, _columns_of(rule))}
            if rule.within is not None:
                outlines: list[dict[str, Scalar]] = [{rule.within.against: one} for one in case.outlines]
                names = {rule.within.against} | {test.column for test in rule.within.where}
                stand_ins[rule.within.relation] = _table(city, "outlines", outlines, names)
            yield stand_ins
        return
    stand_ins = {rule.input.relation: _table(city, "readings", _readings(rule, case), _inputs_of(rule))}
    stand_ins[file.register.relation] = _table(city, "register", _register(file, case), _asked_of_place(file))
    if isinstance(rule, ReadingRule) and rule.compare is not None:
        compare = rule.compare
        rows = [
            {
                compare.subject: REFERENCE,
                compare.at: case.moment(place).isoformat(),
                compare.arrived: case.moment(place).isoformat(),
                compare.value: value,
                compare.longitude: 115.8,
                compare.latitude: 33.8,
            }
            for place, value in enumerate(case.reference)
        ]
        names = {compare.subject, compare.at, compare.arrived, compare.value}
        names |= {compare.longitude, compare.latitude}
        stand_ins[compare.relation] = _table(city, "reference", rows, names)
    yield stand_ins


def _readings(rule: ReadingRule | SilenceRule, case: Case) -> list[dict[str, Scalar]]:
    rows = [
        _reading(rule, case, SUBJECT, case.moment(place), value)
        | {name: column[place] for name, column in case.columns.items()}
        for place, value in case.numbered
    ]
    for number, values in enumerate(case.peers):
        rows += [
            _reading(rule, case, f"{OTHER} {number}", case.moment(place), value)
            for place, value in enumerate(values)
            if value is not None
        ]
    if case.until_minute is not None:
        last = case.begin + timedelta(minutes=case.until_minute)
        rows.append(_reading(rule, case, OTHER, last, 0.0))
    return rows


def _reading(
    rule: ReadingRule | SilenceRule, case: Case, subject: str, at: datetime, value: float
) -> dict[str, Scalar]:
    told = {test.column: _passing(test) for test in rule.input.where}
    return told | {
        rule.input.value: value,
        rule.input.subject: subject,
        rule.input.at: at.isoformat(),
        rule.input.arrived: at.isoformat(),
    }


def _passing(test: Condition) -> Scalar:
    """A value that passes a test, for columns that only tell one input's rows from another's."""
    if test.is_ is not None:
        return test.is_
    return test.one_of[0] if test.one_of else None


def _register(file: RuleFile, case: Case) -> list[dict[str, Scalar]]:
    place = file.register
    filled: dict[str, Scalar] = {test.column: _passing(test) for test in place.where}
    filled |= {column: 115.8 for column in [place.longitude] if column}
    filled |= {column: 33.8 for column in [place.latitude] if column}
    others = [f"{OTHER} {number}" for number in range(len(case.peers))]
    return [filled | case.place | {place.subject: subject} for subject in (SUBJECT, OTHER, *others)]


def _asked_of_place(file: RuleFile) -> set[str]:
    place = file.register
    asked = {place.subject, *place.name, place.area, *(test.column for test in place.where)}
    asked |= {column for column in (place.id, place.longitude, place.latitude) if column}
    return asked


def _inputs_of(rule: ReadingRule | SilenceRule) -> set[str]:
    rows = rule.input
    asked = {rows.subject, rows.at, rows.value, rows.arrived}
    asked |= {column for column in (rows.longitude, rows.latitude) if column}
    tests = [*rows.where, *rule.while_]
    return asked | {test.column for test in tests if "." not in test.column and test.column != "reference"}


def _columns_of(rule: RowsRule) -> set[str]:
    named = {*rule.subject, rule.at, rule.arrived, *rule.name, rule.area, *rule.detail}
    named |= {test.column for test in rule.where}
    single = (rule.clock, rule.class_by, rule.value, rule.longitude, rule.latitude)
    named |= {column for column in single if column}
    return named | ({rule.within.geometry} if rule.within else set())


def _table(city: Connection, name: str, rows: list[dict[str, Scalar]], columns: set[str]) -> str:
    """A table of texts; its name for the statements. Empty texts for columns that nobody gave stay null."""
    names = sorted(columns | {column for row in rows for column in row})
    table = sql.Identifier("pg_temp", name)
    city.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    city.execute(
        sql.SQL("CREATE TEMP TABLE {} ({})").format(
            sql.Identifier(name),
            sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column)) for column in names),
        )
    )
    with city.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for row in rows:
            copy.write_row([_text(row.get(column)) for column in names])
    return f"pg_temp.{name}"


def _text(value: Scalar) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
