"""The SQL behind a tile, so that every figure can show how it is computed and be run without Superset."""

from typing import Any

import sqlglot
from sqlglot import exp

from citybrain.bi.checks import Dashboards, tile_metrics
from citybrain.bi.datasets import MARTS_SCHEMA, TIME_ZONE, link_expression, map_sql
from citybrain.bi.queries import link_column, query_object
from citybrain.bi.spec import DataTile

GRAINS = {"PT1H": "hour", "P1D": "day", "P1M": "month", "P1Y": "year"}
COMPARISONS: dict[str, type[exp.Binary]] = {
    "==": exp.EQ,
    "!=": exp.NEQ,
    ">": exp.GT,
    ">=": exp.GTE,
    "<": exp.LT,
    "<=": exp.LTE,
}


def _column(name: str, tile: DataTile, content: Dashboards) -> exp.Expr:
    """A column as the dataset hands it out: instants as the city's wall clock."""
    for link_name, link in content.links.items():
        if name == link_column(link_name):
            return sqlglot.parse_one(link_expression(link, content.addresses), read="postgres")
    column = exp.column(exp.to_identifier(name, quoted=True))
    declared = content.columns(tile.mart).get(name)
    if declared is not None and declared.type in ("timestamptz", "timestamp with time zone"):
        return exp.AtTimeZone(this=column, zone=exp.Literal.string(TIME_ZONE))
    return column


def _selected(entry: str | dict[str, Any], tile: DataTile, content: Dashboards) -> exp.Expr:
    if isinstance(entry, str):
        return _column(entry, tile, content)
    unit = exp.Literal.string(GRAINS[entry["timeGrain"]])
    return exp.func("date_trunc", unit, _column(entry["label"], tile, content), dialect="postgres")


def _condition(clause: dict[str, Any], tile: DataTile, content: Dashboards) -> exp.Expr:
    column, op, value = _column(clause["col"], tile, content), clause["op"], clause.get("val")
    if op in COMPARISONS:
        return COMPARISONS[op](this=column, expression=exp.convert(value))
    if op in ("IN", "NOT IN"):
        found = exp.In(this=column, expressions=[exp.convert(item) for item in value or []])
        return exp.Not(this=found) if op == "NOT IN" else found
    what = {"NULL": exp.null(), "TRUE": exp.true(), "FALSE": exp.false()}[op.split()[-1]]
    found_is = exp.Is(this=column, expression=what)
    return exp.Not(this=found_is) if " NOT " in op else found_is


def _metric(name: str, content: Dashboards) -> exp.Expr:
    return sqlglot.parse_one(content.metrics[name].sql, read="postgres")


def _source(tile: DataTile, content: Dashboards) -> exp.Expr:
    view = content.maps.maps.get(tile.mart)
    if view is None:
        return exp.table_(tile.mart, db=MARTS_SCHEMA, quoted=True)
    return exp.Subquery(
        this=sqlglot.parse_one(map_sql(view, content.marts), read="postgres"),
        alias=exp.TableAlias(this=exp.to_identifier(tile.mart)),
    )


def statement(tile: DataTile, content: Dashboards) -> str:
    """One SELECT in PostgreSQL's dialect. A time range relative to now is left out."""
    query = query_object(tile)
    labels = [entry if isinstance(entry, str) else entry["label"] for entry in query["columns"]]
    dimensions = [_selected(entry, tile, content) for entry in query["columns"]]
    metrics = {name: _metric(name, content) for name in query["metrics"] or []}
    selected = [
        *(exp.alias_(column, label, quoted=True) for column, label in zip(dimensions, labels, strict=True)),
        *(exp.alias_(metric, name, quoted=True) for name, metric in metrics.items()),
    ]
    select = exp.select(*selected).from_(_source(tile, content))
    for clause in query["filters"]:
        if clause["op"] != "TEMPORAL_RANGE":
            select = select.where(_condition(clause, tile, content))
    if query["metrics"] and dimensions:
        select = select.group_by(*(column.copy() for column in dimensions))
    for name, ascending in query["orderby"]:
        key = _metric(name, content) if name in tile_metrics(tile) else _column(name, tile, content)
        select = select.order_by(exp.Ordered(this=key, desc=not ascending, nulls_first=not ascending))
    return select.limit(query["row_limit"]).sql(dialect="postgres", pretty=True)
