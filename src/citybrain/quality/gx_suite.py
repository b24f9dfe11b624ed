"""Rules as Great Expectations' expectations.

Importing this module imports Great Expectations: 4 s and 250 MB, so import it late.

Two kinds of expectation carry all rules: a tolerated share of bad rows, and a figure within bounds. They
share one metric, the figures of `figures`: Great Expectations' own expectations ask for some ten metrics
each, and building their graph takes longer than counting the rows of an ordinary delivery. They also
compare in double precision, count the first of repeated lines, and so would not count what the quarantine
takes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

from great_expectations.compatibility.sqlalchemy import sqlalchemy
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from citybrain.catalogue import Column
from citybrain.quality.compiler import RowCheck, StageTable
from citybrain.quality.figures import Figure, queries
from citybrain.quality.history import Bounds
from citybrain.quality.rules import BatchRule, References

WARNING, CRITICAL = FailureSeverity.WARNING, FailureSeverity.CRITICAL
Counted = Mapping[str, tuple[Any, Any] | str]
"""Two scalars by the figure's name, or the error that kept them from being counted."""

_asked: dict[str, tuple[list[Figure], StageTable]] = {}


@contextmanager
def asking(run_name: str, figures: list[Figure], stage: StageTable) -> Iterator[None]:
    """Within the block the expectations of `run_name` find their figures. The SQL stays out of the suite,
    which is copied and compared many times."""
    _asked[run_name] = figures, stage
    try:
        yield
    finally:
        del _asked[run_name]


class StageFigures(TableMetricProvider):
    """The figures of all rules, counted at once; each by itself when that fails, so that only the rules that
    cannot be counted are without theirs."""

    metric_name = "stage.figures"
    value_keys = ("run_name",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 - how metrics are written
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> Counted:
        figures, stage = _asked[metric_value_kwargs["run_name"]]
        try:
            return _count(execution_engine, figures, stage)
        except sqlalchemy.exc.DBAPIError:
            counted: dict[str, tuple[Any, Any] | str] = {}
            for figure in figures:
                try:
                    counted |= _count(execution_engine, [figure], stage)
                except sqlalchemy.exc.DBAPIError as error:
                    counted[figure.name] = str(error.orig)
            return counted


def _count(
    engine: SqlAlchemyExecutionEngine, figures: list[Figure], stage: StageTable
) -> dict[str, tuple[Any, Any] | str]:
    scalars: list[Any] = []
    with engine.get_connection() as connection:
        for query in queries(figures, stage):
            scalars += connection.execute(sqlalchemy.text(for_text(query))).one()
    pairs = zip(scalars[::2], scalars[1::2], strict=True)
    return {figure.name: pair for figure, pair in zip(figures, pairs, strict=True)}


class _OnFigure(BatchExpectation):
    """An expectation on one figure of a run."""

    run_name: str
    figure: str

    metric_dependencies: ClassVar[tuple[str, ...]] = ("stage.figures",)
    success_keys: ClassVar[tuple[str, ...]] = ("run_name", "figure")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def _counted(self, metrics: dict[str, Any]) -> tuple[Any, Any]:
        counted = metrics["stage.figures"][self.figure]
        if isinstance(counted, str):
            raise RuntimeError(counted)
        return counted  # type: ignore[no-any-return]


class ExpectFewRowsToBreakTheRule(_OnFigure):
    """A tolerated share: `mostly` of the looked-at rows are not among the bad ones. The result also says
    whether they are so many that the red limit, `mostly_red`, is crossed (never, when it is not given)."""

    mostly: float = 1
    mostly_red: float | None = None

    success_keys: ClassVar[tuple[str, ...]] = ("run_name", "figure", "mostly", "mostly_red")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        bad, looked_at = self._counted(metrics)
        # The same arithmetic as Great Expectations' own map expectations.
        kept = 1.0 if looked_at == 0 else (float(looked_at) - float(bad)) / float(looked_at)
        return {
            "success": kept >= self.mostly,
            "result": {
                "observed_value": bad,
                "element_count": looked_at,
                "unexpected_count": bad,
                "unexpected_percent": bad / looked_at * 100 if looked_at else 0.0,
                "partial_unexpected_list": [],
                "beyond_red": self.mostly_red is not None and kept < self.mostly_red,
            },
        }


class ExpectFigureToBeFine(_OnFigure):
    """A figure of the delivery as a whole lies between bounds; PostgreSQL has compared it."""

    min_value: Any = None
    max_value: Any = None

    success_keys: ClassVar[tuple[str, ...]] = ("run_name", "figure", "min_value", "max_value")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        observed, fine = self._counted(metrics)
        return {"success": fine, "result": {"observed_value": observed}}


def row_expectations(check: RowCheck, run_name: str) -> Iterator[Expectation]:
    """The expectation of one row check, and for a reference whether there is something to look up in."""
    rule = check.rule
    limits = f"黄牌：坏行超过 {rule.yellow_above:.4g}"
    if rule.red_above is not None:
        limits += f"；红牌：坏行超过 {rule.red_above:.4g}"
    yield ExpectFewRowsToBreakTheRule(
        run_name=run_name,
        figure=check.rule_id,
        mostly=_kept(rule.yellow_above),
        mostly_red=None if rule.red_above is None else _kept(rule.red_above),
        severity=WARNING,
        description=f"{check.reason_zh}［{limits}］",
        meta=_meta(check.rule_id, rule.kind, "、".join(column.name for column in check.columns)),
    )
    if isinstance(rule, References):
        name = f"{check.rule_id}.reference_loaded"
        yield ExpectFigureToBeFine(
            run_name=run_name,
            figure=name,
            severity=WARNING,
            description=f"参照数据集 {rule.dataset} 尚无已入库批次，规则 {check.rule_id} 未能核对",
            meta=_meta(name, rule.kind, None),
        )


def batch_expectation(
    rule: BatchRule,
    column: Column | None,
    figure: str,
    severity: str,
    bounds: Bounds,
    run_name: str,
    words: str,
) -> Expectation:
    """One limit of a batch rule. `bounds` are the fine figures, as absolute values."""
    low, high = bounds
    return ExpectFigureToBeFine(
        run_name=run_name,
        figure=figure,
        min_value=low,
        max_value=high,
        severity=FailureSeverity(severity),
        description=words,
        meta=_meta(rule.id, rule.kind, column.name if column else None),
    )


def _kept(share: float) -> float:
    """1 - 0.05 in binary is not 0.95; the limit people wrote is decimal."""
    return float(1 - Decimal(repr(share)))


def _meta(rule_id: str, kind: str, column: str | None) -> dict[str, Any]:
    return {"rule_id": rule_id, "rule_kind": kind, "column": column}


def for_text(query: str) -> str:
    """`query` as it survives SQLAlchemy's `text()`, which reads colons as parameters."""
    return query.replace(":", "\\:")
