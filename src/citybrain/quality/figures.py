"""What a gate counts on a stage table: the figures of all rules, from one query.

One scan gives them all, and PostgreSQL may share it among its workers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlglot import exp

from citybrain.catalogue import Column
from citybrain.quality.compiler import (
    RowCheck,
    StageTable,
    column_node,
    nothing_loaded,
    rows_where,
    scalar_node,
    to_sql,
)
from citybrain.quality.history import Bounds
from citybrain.quality.rules import BatchRule, ColumnMean, DistinctCount, Freshness, References

MOST_AT_ONCE = 700  # figures in a query: each takes two of the 1,664 columns PostgreSQL gives back


@dataclass(frozen=True)
class Figure:
    """Two scalars over the rows of a stage table, alias `s`, by the name of who asks for them.

    Of a row rule: how many rows are bad, how many it looks at. Of a batch rule: the figure as observed, and
    whether it is fine (never NULL).
    """

    name: str
    first: exp.Expr
    second: exp.Expr


def row_figures(checks: Iterable[RowCheck]) -> Iterator[Figure]:
    """Rule ids name them; `<rule id>.reference_loaded` tells whether a reference could be looked up at
    all."""
    for check in checks:
        yield Figure(check.rule_id, check.bad_rows, rows_where(check.looked_at))
        if isinstance(check.rule, References):
            missing = exp.and_(
                exp.GT(this=exp.Count(this=exp.Star()), expression=scalar_node(0)),
                nothing_loaded(check.rule.dataset),
            )
            yield Figure(
                f"{check.rule_id}.reference_loaded",
                exp.cast(missing.copy(), "int"),
                exp.not_(exp.paren(missing)),
            )


def batch_figure(name: str, rule: BatchRule, column: Column | None, bounds: Bounds) -> Figure:
    """`bounds`: lowest and highest fine figure. A figure of no rows at all is not fine."""
    figure: exp.Expr = exp.Count(this=exp.Star())
    if isinstance(rule, ColumnMean) and column is not None:
        figure = exp.cast(exp.Avg(this=column_node(column.name)), "double")
    elif isinstance(rule, DistinctCount) and column is not None:
        figure = exp.Count(this=exp.Distinct(expressions=[column_node(column.name)]))
    elif isinstance(rule, Freshness) and column is not None:
        figure = exp.Max(this=column_node(column.name))
    low, high = bounds
    fine: list[exp.Expr] = []
    if low is not None:
        fine.append(exp.GTE(this=figure.copy(), expression=_bound(low, column)))
    if high is not None:
        fine.append(exp.LTE(this=figure.copy(), expression=_bound(high, column)))
    known = exp.Coalesce(this=exp.and_(*fine), expressions=[exp.false()]) if fine else exp.true()
    # A time goes out as text: PostgreSQL knows days that Python does not.
    shown = exp.cast(figure, "text") if isinstance(rule, Freshness) else figure
    return Figure(name, shown, known)


def _bound(value: object, column: Column | None) -> exp.Expr:
    if isinstance(value, datetime | date):
        kind = column.type if column is not None else "timestamptz"
        return exp.cast(exp.Literal.string(value.isoformat()), kind)
    return exp.Literal.number(repr(value))


def queries(figures: list[Figure], stage: StageTable) -> list[str]:
    """Selects of one row each: the two scalars of the first figure, of the second, and so on."""
    return [
        _query(figures[start : start + MOST_AT_ONCE], stage) for start in range(0, len(figures), MOST_AT_ONCE)
    ]


def _query(figures: list[Figure], stage: StageTable) -> str:
    scalars = [
        exp.alias_(scalar, f"{letter}{number}", quoted=True)
        for number, figure in enumerate(figures)
        for letter, scalar in (("a", figure.first), ("b", figure.second))
    ]
    table = exp.table_(stage.name, db=stage.schema, quoted=True, alias="s")
    return to_sql(exp.select(*scalars).from_(table))
