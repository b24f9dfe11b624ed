"""Rules as Great Expectations' expectations.

Importing this module imports Great Expectations: 6 s and 250 MB, so import it late.

A rule gives a `warning` expectation at its yellow limit and a `critical` one at its red limit; both share
one pass over the data. Native expectations stand where they count exactly what the rule says. Where they do
not, the rule's own predicate is counted: `between` on numeric and bigint columns (Great Expectations
compares in double precision), whole numbers beyond PostgreSQL's integer, `unique` (it counts the first line
too), and the kinds it does not know.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.metrics.query_metrics.query_row_count import query_row_count
from great_expectations.expectations.row_conditions import Column as GuardColumn

from citybrain.catalogue import Column
from citybrain.quality.compiler import RowCheck, as_column_time, latest_moment, nothing_loaded, to_sql
from citybrain.quality.history import Bounds
from citybrain.quality.rules import (
    BatchRule,
    Between,
    ColumnMean,
    ColumnOrder,
    DistinctCount,
    Guard,
    Length,
    Matches,
    NotInFuture,
    NotNull,
    OneOf,
    References,
)

WARNING, CRITICAL = FailureSeverity.WARNING, FailureSeverity.CRITICAL
_CARD_ZH = {WARNING: "黄牌", CRITICAL: "红牌"}


class LookedAtRowsQueryRowCount(query_row_count.QueryRowCount):
    """How many rows a rule looks at: the denominator of its share."""

    metric_name = "looked_at_rows_query.row_count"
    value_keys = ("looked_at_rows_query",)
    query_param_name: ClassVar[str] = "looked_at_rows_query"


class ExpectFewRowsToBreakTheRule(gxe.UnexpectedRowsExpectation):
    """A rule given as SQL, with a tolerated share: `mostly` of the looked-at rows must not be among the
    unexpected ones.
    """

    looked_at_rows_query: str
    mostly: float = 1

    metric_dependencies: ClassVar[tuple[str, ...]] = (
        "unexpected_rows_query.row_count",
        "looked_at_rows_query.row_count",
    )
    success_keys: ClassVar[tuple[str, ...]] = ("unexpected_rows_query", "looked_at_rows_query", "mostly")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        unexpected = metrics["unexpected_rows_query.row_count"]
        looked_at = metrics["looked_at_rows_query.row_count"]
        # The same arithmetic as Great Expectations' own map expectations.
        kept = 1.0 if looked_at == 0 else (float(looked_at) - float(unexpected)) / float(looked_at)
        return {
            "success": kept >= self.mostly,
            "result": {
                "observed_value": unexpected,
                "element_count": looked_at,
                "unexpected_count": unexpected,
                "unexpected_percent": unexpected / looked_at * 100 if looked_at else 0.0,
                "partial_unexpected_list": [],
            },
        }


def row_expectations(check: RowCheck) -> Iterator[Expectation]:
    """The expectations of one row check: yellow, and red where the rule has a red limit."""
    limits = [(WARNING, check.rule.yellow_above)]
    if check.rule.red_above is not None:
        limits.append((CRITICAL, check.rule.red_above))
    for severity, share in limits:
        # 1 - 0.05 in binary is not 0.95; the limit people wrote is decimal.
        settings = {
            "mostly": float(1 - Decimal(repr(share))),
            "severity": severity,
            "description": f"{check.reason_zh}［{_CARD_ZH[severity]}：坏行超过 {share:.4g}］",
            "meta": _meta(check.rule_id, check.rule.kind, "、".join(column.name for column in check.columns)),
        }
        yield _native(check, settings) or _counted(check, settings)
    if isinstance(check.rule, References):
        missing = _for_text(to_sql(nothing_loaded(check.rule.dataset)))
        yield gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=f"SELECT 1 FROM (SELECT 1 FROM {{batch}} LIMIT 1) AS one WHERE {missing}",  # noqa: S608  # generated from nodes
            severity=WARNING,
            description=f"参照数据集 {check.rule.dataset} 尚无已入库批次，规则 {check.rule_id} 未能核对",
            meta=_meta(f"{check.rule_id}.reference_loaded", check.rule.kind, None),
        )


def batch_expectations(
    rule: BatchRule, column: Column | None, bounds: list[tuple[str, Bounds]], words: str
) -> Iterator[Expectation]:
    """The expectations of one batch rule. `bounds` are the fine figures by severity, as absolute values."""
    for severity, (low, high) in bounds:
        settings: dict[str, Any] = {
            "min_value": low,
            "max_value": high,
            "severity": severity,
            "description": words,
            "meta": _meta(rule.id, rule.kind, column.name if column else None),
        }
        if column is None:
            yield gxe.ExpectTableRowCountToBeBetween(**settings)
        elif isinstance(rule, ColumnMean):
            yield gxe.ExpectColumnMeanToBeBetween(column=column.name, **settings)
        elif isinstance(rule, DistinctCount):
            yield gxe.ExpectColumnUniqueValueCountToBeBetween(column=column.name, **settings)
        else:
            yield gxe.ExpectColumnMaxToBeBetween(column=column.name, **settings)


def _meta(rule_id: str, kind: str, column: str | None) -> dict[str, Any]:
    return {"rule_id": rule_id, "rule_kind": kind, "column": column}


def _native(check: RowCheck, settings: dict[str, Any]) -> Expectation | None:
    """Great Expectations' own expectation where it counts what the rule says, else None."""
    rule, column = check.rule, check.columns[0]
    if rule.when is not None and _exceeds_integer(rule.when.values):
        return None
    condition = {} if rule.when is None else {"row_condition": _row_condition(rule.when)}
    one_column = {"column": column.name, **condition, **settings}
    match rule:
        case NotNull():
            return gxe.ExpectColumnValuesToNotBeNull(**one_column)
        case OneOf() if not _exceeds_integer(rule.values):
            return gxe.ExpectColumnValuesToBeInSet(value_set=list(rule.values), **one_column)
        case Matches():
            return gxe.ExpectColumnValuesToMatchRegex(regex=rule.whole_text, **one_column)
        case Length():
            return gxe.ExpectColumnValueLengthsToBeBetween(
                min_value=rule.min, max_value=rule.max, **one_column
            )
        case NotInFuture():
            limit = _bound(latest_moment(rule, column, check.as_of), column)
            return gxe.ExpectColumnValuesToBeBetween(max_value=limit, **one_column)
        case Between() if column.type in ("integer", "date", "timestamp", "timestamptz"):
            return gxe.ExpectColumnValuesToBeBetween(
                min_value=_bound(rule.min, column),
                max_value=_bound(rule.max, column),
                strict_min=rule.strict_min,
                strict_max=rule.strict_max,
                **one_column,
            )
        case ColumnOrder() if check.columns[0].type == check.columns[1].type:
            return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=rule.later,
                column_B=rule.earlier,
                or_equal=not rule.strict,
                ignore_row_if="either_value_is_missing",
                **condition,
                **settings,
            )
    return None


def _exceeds_integer(values: Iterable[bool | int | str]) -> bool:
    """Whether a value is beyond PostgreSQL's integer, the type SQLAlchemy gives every Python int."""
    return any(isinstance(value, int) and not -(2**31) <= value < 2**31 for value in values)


def _bound(bound: Any, column: Column) -> int | float | datetime | Any:
    if bound is None:
        return None
    return float(bound) if isinstance(bound, Decimal) else as_column_time(bound, column)


def _row_condition(guard: Guard) -> Any:
    column = GuardColumn(guard.column)
    return column.is_in(list(guard.values)) if len(guard.values) > 1 else column == guard.values[0]


def _counted(check: RowCheck, settings: dict[str, Any]) -> Expectation:
    """The rule's own predicate, counted."""
    return ExpectFewRowsToBreakTheRule(
        unexpected_rows_query=_rows_where(to_sql(check.bad)),
        looked_at_rows_query=_rows_where(to_sql(check.looked_at)),
        **settings,
    )


def _rows_where(condition: str) -> str:
    # Great Expectations puts a sub-select with an alias of its own for {batch}, unless the query joins: then
    # the alias is ours. The condition is generated from nodes, its values are literals.
    return f'SELECT s."_line" FROM {{batch}} AS s CROSS JOIN (SELECT 1) AS one WHERE {_for_text(condition)}'  # noqa: S608


def _for_text(condition: str) -> str:
    """`condition` as it survives `str.format` and SQLAlchemy's `text()`, which read braces and colons."""
    return condition.replace("{", "{{").replace("}", "}}").replace(":", "\\:")
