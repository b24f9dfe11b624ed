"""Row rules to SQL: each becomes one predicate that is TRUE exactly where the row is bad, never NULL.

Predicates are built as sqlglot nodes and generated once, for PostgreSQL; a value out of a file is always a
literal node. They stand on the alias `s` of the stage table. `unique` and `references` compile to a sub-
select that does not depend on the row, so PostgreSQL computes it once and hashes it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import singledispatch
from zoneinfo import ZoneInfo

from sqlglot import exp

from citybrain.catalogue import Column
from citybrain.quality.expectations_file import Expectations
from citybrain.quality.rules import (
    Between,
    Bound,
    ColumnOrder,
    Guard,
    Length,
    Matches,
    NotInFuture,
    NotNull,
    OneOf,
    References,
    RowRule,
    Unique,
    ValidUscc,
    WellTyped,
)
from citybrain.quality.wording import reason_zh

CITY_ZONE = ZoneInfo("Asia/Shanghai")
_SQL_TYPE = {
    "text": "text",
    "integer": "int",
    "bigint": "bigint",
    "numeric": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
}
_CLASS = r"\[\^?[^\\\]\[^]+\]"
_ONE_OF_HEAD = re.compile(rf"{_CLASS}|[A-Za-z0-9]")
# A pattern that ends in one class so and so often, such as [A-T][0-9]{4}; letters and classes before it stand
# for one character each.
_REPEATED_CLASS = re.compile(
    rf"((?:{_ONE_OF_HEAD.pattern})*)({_CLASS})\{{([0-9]{{1,2}})(?:(,)([0-9]{{1,2}})?)?\}}"
)
_CLASS_ANYWHERE = re.compile(rf"\.\*({_CLASS})\.\*")


@dataclass(frozen=True)
class StageTable:
    """The typed stage table a batch waits in."""

    schema: str
    name: str


@dataclass(frozen=True)
class RowCheck:
    """One row rule on the columns it looks at.

    `looked_at` and `bad` are boolean expressions over `s`; both are never NULL, and `bad` implies
    `looked_at`. `bad_rows` is how many rows are bad, an aggregate over `s` or a sub-select of its own.
    """

    rule_id: str
    rule: RowRule
    columns: tuple[Column, ...]
    looked_at: exp.Expr
    bad: exp.Expr
    bad_rows: exp.Expr
    reason_zh: str
    as_of: datetime


@dataclass(frozen=True)
class RowPredicate:
    """`sql` is TRUE where the row of alias `s` breaks the rule. It holds no placeholder: run it without
    bound parameters, or double
    its per-cent signs. `repeats_sql`, of a rule that compares the rows of a delivery: a sub-select that
    counts the bad ones at once, where `sql` asks for all rows in each worker that shares a scan."""

    rule_id: str
    reason_zh: str
    sql: str
    repeats_sql: str | None = None


def row_checks(
    expectations: Expectations,
    stage: StageTable,
    as_of: datetime,
    rule_ids: Collection[str] | None = None,
) -> list[RowCheck]:
    """One check for every row rule, or one for each column of a rule with `columns`; `rule_ids`: only for
    these. `as_of` is aware: what counts as now.
    """
    checks = []
    for rule_id, rule, columns in expectations.row_rules_by_column():
        if rule_ids is not None and rule_id not in rule_ids:
            continue
        guard = _guard(rule.when, expectations)
        present = [_present(column) for column in columns if not isinstance(rule, NotNull | WellTyped)]
        looked_at = _all_of([*guard, *present])
        scope = _Scope(columns, expectations, stage, as_of)
        bad = _all_of([*guard, *present, _breach(rule, scope)])
        bad_rows = _repeated_rows(rule, scope) if isinstance(rule, Unique) else rows_where(bad)
        reason = reason_zh(rule, columns)
        checks.append(RowCheck(rule_id, rule, columns, looked_at, bad, bad_rows, reason, as_of))
    return checks


def row_predicates_of(
    expectations: Expectations, stage: StageTable, as_of: datetime, rule_ids: Collection[str] | None = None
) -> list[RowPredicate]:
    return [
        RowPredicate(
            check.rule_id,
            check.reason_zh,
            to_sql(check.bad),
            to_sql(check.bad_rows) if isinstance(check.rule, Unique) else None,
        )
        for check in row_checks(expectations, stage, as_of, rule_ids)
    ]


def to_sql(node: exp.Expr) -> str:
    return node.sql(dialect="postgres", identify=True)


# Nodes


def rows_where(condition: exp.Expr) -> exp.Expr:
    """How many rows of `s` fulfil a condition, as an aggregate."""
    return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=condition.copy()))


def column_node(name: str) -> exp.Column:
    return exp.column(name, table="s", quoted=True)


def _present(column: Column) -> exp.Expr:
    return exp.not_(exp.Is(this=column_node(column.name), expression=exp.null()))


def _all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return exp.and_(*conditions) if conditions else exp.true()


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def scalar_node(value: bool | int | str) -> exp.Expr:
    """A literal of a file; texts stay texts, whatever they look like."""
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    return exp.Literal.number(value) if isinstance(value, int) else _text(value)


def bound_node(bound: Bound, column: Column) -> exp.Expr:
    """A typed literal. A day compared with a time is that day's midnight in Asia/Shanghai."""
    if isinstance(bound, Decimal):
        return exp.Literal.number(format(bound, "f"))
    return exp.cast(_text(as_column_time(bound, column).isoformat()), _SQL_TYPE[column.type])


def as_column_time(bound: datetime | date, column: Column) -> datetime | date:
    """`bound` as a value of the column: a date, a naive local time, or an aware time."""
    if column.type == "date":
        return bound.astimezone(CITY_ZONE).date() if isinstance(bound, datetime) else bound
    moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
    if column.type == "timestamp":
        return moment if moment.tzinfo is None else moment.astimezone(CITY_ZONE).replace(tzinfo=None)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=CITY_ZONE)


def _guard(guard: Guard | None, expectations: Expectations) -> list[exp.Expr]:
    if guard is None:
        return []
    column = expectations.dataset.column(guard.column)
    return [_present(column), _in(column_node(guard.column), guard.values)]


def _in(node: exp.Expr, values: Iterable[bool | int | str]) -> exp.Expr:
    return exp.In(this=node, expressions=[scalar_node(value) for value in values])


# What breaks each kind of rule. The columns are known to be present there, except for not_null and
# well_typed.


@dataclass(frozen=True)
class _Scope:
    columns: tuple[Column, ...]
    expectations: Expectations
    stage: StageTable
    as_of: datetime

    @property
    def node(self) -> exp.Column:
        return column_node(self.columns[0].name)


@singledispatch
def _breach(rule: RowRule, scope: _Scope) -> exp.Expr:
    raise TypeError(f"no SQL for rule kind {rule.kind}")


@_breach.register
def _(rule: NotNull, scope: _Scope) -> exp.Expr:
    return exp.Is(this=scope.node, expression=exp.null())


@_breach.register
def _(rule: OneOf, scope: _Scope) -> exp.Expr:
    return exp.not_(_in(scope.node, rule.values))


@_breach.register
def _(rule: Between, scope: _Scope) -> exp.Expr:
    outside: list[exp.Expr] = []
    if rule.min is not None:
        below = exp.LTE if rule.strict_min else exp.LT
        outside.append(below(this=scope.node, expression=bound_node(rule.min, scope.columns[0])))
    if rule.max is not None:
        above = exp.GTE if rule.strict_max else exp.GT
        outside.append(above(this=scope.node, expression=bound_node(rule.max, scope.columns[0])))
    elif scope.columns[0].type == "numeric":
        # PostgreSQL sorts both above every number.
        endless = [exp.cast(_text(name), "decimal") for name in ("NaN", "Infinity")]
        outside.append(exp.In(this=scope.node, expressions=endless))
    return exp.or_(*outside)


@_breach.register
def _(rule: Matches, scope: _Scope) -> exp.Expr:
    """PostgreSQL builds its automaton anew for each value, a state a position: where the length says the same
    as a count, or one character is enough, it has the fewer to build."""
    anywhere = _CLASS_ANYWHERE.fullmatch(rule.pattern)
    if anywhere is not None:
        return exp.not_(exp.RegexpLike(this=scope.node, expression=_text(anywhere[1])))
    repeated = _REPEATED_CLASS.fullmatch(rule.pattern)
    if repeated is None:
        return exp.not_(exp.RegexpLike(this=scope.node, expression=_text(rule.whole_text)))
    head, letters, least, open_end, most = repeated.groups()
    shortest = len(_ONE_OF_HEAD.findall(head)) + int(least)
    longest = None if open_end and most is None else shortest + int(most or least) - int(least)
    outside = _outside_length(scope.node, shortest, longest)
    outside.append(exp.not_(exp.RegexpLike(this=scope.node, expression=_text(f"^{head}{letters}*$"))))
    return exp.or_(*outside)


@_breach.register
def _(rule: Length, scope: _Scope) -> exp.Expr:
    return exp.or_(*_outside_length(scope.node, rule.min, rule.max))


def _outside_length(node: exp.Expr, least: int | None, most: int | None) -> list[exp.Expr]:
    """What a text that is too short or too long fulfils one of."""
    length = exp.Length(this=node)
    if least is not None and least == most:
        return [exp.NEQ(this=length, expression=scalar_node(least))]
    outside: list[exp.Expr] = []
    if least is not None:
        outside.append(exp.LT(this=length.copy(), expression=scalar_node(least)))
    if most is not None:
        outside.append(exp.GT(this=length.copy(), expression=scalar_node(most)))
    return outside


@_breach.register
def _(rule: ValidUscc, scope: _Scope) -> exp.Expr:
    """The bytes come out of a sub-select: a text becomes bytes once and not for each of its places."""
    given = exp.alias_(_meta_function("uscc_bytes", scope.node), "given", quoted=True)
    code = exp.select(given).offset(0).subquery("code")
    valid = _meta_function("uscc_is_valid", exp.column("given", table="code", quoted=True))
    return exp.not_(exp.select(valid).from_(code).subquery())


def _meta_function(name: str, argument: exp.Expr) -> exp.Expr:
    call = exp.Anonymous(this=name, expressions=[argument])
    return exp.Dot(this=exp.to_identifier("meta", quoted=True), expression=call)


@_breach.register
def _(rule: NotInFuture, scope: _Scope) -> exp.Expr:
    latest = bound_node(latest_moment(rule, scope.columns[0], scope.as_of), scope.columns[0])
    return exp.GT(this=scope.node, expression=latest)


@_breach.register
def _(rule: WellTyped, scope: _Scope) -> exp.Expr:
    unread = exp.ArrayOverlaps(
        this=column_node("_type_errors"), expression=exp.Array(expressions=[_text(scope.columns[0].name)])
    )
    return exp.and_(exp.not_(exp.Is(this=column_node("_type_errors"), expression=exp.null())), unread)


@_breach.register
def _(rule: ColumnOrder, scope: _Scope) -> exp.Expr:
    disorder = exp.GTE if rule.strict else exp.GT
    return disorder(this=column_node(rule.earlier), expression=column_node(rule.later))


@_breach.register
def _(rule: Unique, scope: _Scope) -> exp.Expr:
    """The lines after the first of their key. Keys are hashed, not sorted: most deliveries repeat none."""
    first = exp.alias_(exp.Min(this=column_node("_line")), "first_line", quoted=True)
    doubled = _repeated_keys(rule, scope).select(*(column_node(name) for name in rule.columns), first)
    again: list[exp.Expr] = [
        exp.EQ(
            this=exp.column(name, table="later", quoted=True),
            expression=exp.column(name, table="doubled", quoted=True),
        )
        for name in rule.columns
    ]
    again.append(
        exp.GT(
            this=exp.column("_line", table="later", quoted=True),
            expression=exp.column("first_line", table="doubled", quoted=True),
        )
    )
    later = (
        exp.select(exp.column("_line", table="later", quoted=True))
        .from_(exp.table_(scope.stage.name, db=scope.stage.schema, quoted=True, alias="later"))
        .join(doubled.subquery("doubled"), on=exp.and_(*again))
    )
    return exp.In(this=column_node("_line"), query=later.subquery())


def _repeated_rows(rule: Unique, scope: _Scope) -> exp.Expr:
    """How many lines come after the first of their key, as a sub-select.

    A sum of counts is numeric. For each decimal that Great Expectations writes down it walks its whole stack
    to see who asks: with a hundred deliveries, a sixth of the gate's time.
    """
    rows = exp.alias_(exp.Count(this=exp.Star()), "lines", quoted=True)
    repeated = _repeated_keys(rule, scope).select(rows).subquery("repeated")
    more = exp.Sum(this=exp.Sub(this=exp.column("lines", quoted=True), expression=scalar_node(1)))
    count = exp.cast(exp.Coalesce(this=more, expressions=[scalar_node(0)]), "bigint")
    return exp.select(count).from_(repeated).subquery()


def _repeated_keys(rule: Unique, scope: _Scope) -> exp.Select:
    """The keys that several competing lines have, nothing selected yet. The guard says which lines compete: a
    row it leaves out neither is bad nor makes another one bad."""
    competing = exp.and_(
        *_guard(rule.when, scope.expectations), *(_present(column) for column in scope.columns)
    )
    return (
        exp.Select()
        .from_(exp.table_(scope.stage.name, db=scope.stage.schema, quoted=True, alias="s"))
        .where(competing)
        .group_by(*(column_node(name) for name in rule.columns))
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=scalar_node(1)))
    )


@_breach.register
def _(rule: References, scope: _Scope) -> exp.Expr:
    other = scope.expectations.references[rule.dataset]
    target = exp.column(rule.target, table="r", quoted=True)
    known = (
        exp.select(target)
        .from_(exp.table_(other.id, db="raw", quoted=True, alias="r"))
        .where(exp.not_(exp.Is(this=target.copy(), expression=exp.null())))
    )
    if other.delivers == "snapshot":
        newest = _loaded_batches(other.id).order_by(
            *(
                exp.Ordered(this=exp.column(name, quoted=True), desc=True, nulls_first=False)
                for name in ("logical_date", "source_version", "batch_id")
            )
        )
        known = known.where(
            exp.EQ(
                this=exp.column("_batch_id", table="r", quoted=True), expression=newest.limit(1).subquery()
            )
        )
    judged = exp.Exists(this=_loaded_batches(other.id))
    return exp.and_(judged, exp.not_(exp.In(this=scope.node, query=known.subquery())))


def nothing_loaded(dataset_id: str) -> exp.Expr:
    """TRUE while no batch of `dataset_id` is loaded."""
    return exp.not_(exp.Exists(this=_loaded_batches(dataset_id)))


def latest_moment(rule: NotInFuture, column: Column, as_of: datetime) -> Bound:
    """The last day, time or year (in an integer column) the rule still allows."""
    latest = as_of + rule.tolerance
    if column.type == "integer":
        return Decimal(latest.astimezone(CITY_ZONE).year)
    return as_column_time(latest, column)


def _loaded_batches(dataset_id: str) -> exp.Select:
    column = exp.column("dataset", quoted=True)
    state = exp.column("state", quoted=True)
    return (
        exp.select(exp.column("batch_id", quoted=True))
        .from_(exp.table_("batch", db="meta", quoted=True))
        .where(
            exp.EQ(this=column, expression=_text(dataset_id)), exp.EQ(this=state, expression=_text("loaded"))
        )
    )
