"""What pydantic cannot see: every name checked against the marts, the metrics, the maps and the tokens."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from citybrain.bi.marts import Mart, MartColumn
from citybrain.bi.semantics import Maps, MapView, Metric, Metrics, Roles, Tokens
from citybrain.bi.spec import (
    DataTile,
    Heatmap,
    Kpi,
    KpiTrend,
    MapTile,
    Pie,
    RankTable,
    Scenario,
    SelectFilter,
    SummaryTable,
    TrendBar,
    TrendLine,
)
from citybrain.bi.theme import colour

Fault = tuple[list[int | str], str]


@dataclass(frozen=True)
class Dashboards:
    """Everything the compiler needs."""

    scenarios: dict[str, Scenario]
    metrics: dict[str, Metric]
    maps: Maps
    tokens: Tokens
    roles: Roles
    marts: dict[str, Mart]

    def columns(self, dataset: str) -> dict[str, MartColumn]:
        """The columns a tile on `dataset` may name: those of the mart, or of the mart that a map draws."""
        if dataset in self.maps.maps:
            return self.marts[self.maps.maps[dataset].values].columns
        return self.marts[dataset].columns


def tile_metrics(tile: DataTile) -> list[str]:
    match tile:
        case Kpi() | KpiTrend() | Pie() | Heatmap() | MapTile():
            return [tile.metric]
        case TrendLine() | TrendBar() | SummaryTable():
            return list(tile.metrics)
    return []


def tile_columns(tile: DataTile) -> Iterator[tuple[list[int | str], str]]:
    """Every column a tile names, with the place in the tile that names it."""
    for index, condition in enumerate(tile.where):
        yield ["where", index, "column"], condition.column
    for field in ("time", "by", "x", "y"):
        value = getattr(tile, field, None)
        if isinstance(value, str):
            yield [field], value
        elif isinstance(value, list):
            for index, name in enumerate(value):
                yield [field, index], name
    for field in ("columns", "bars", "tooltip"):
        for index, name in enumerate(getattr(tile, field, [])):
            yield [field, index], name
    if isinstance(tile, RankTable):
        for index, name in enumerate(tile.order):
            yield ["order", index], name.removeprefix("-")
        for name in tile.bands:
            yield ["bands", name], name


def metric_faults(metrics: Metrics, marts: dict[str, Mart]) -> Iterator[Fault]:
    for name, metric in metrics.metrics.items():
        where: list[int | str] = ["metrics", name]
        mart = marts.get(metric.mart)
        if mart is None:
            yield [*where, "mart"], f"dbt declares no mart {metric.mart!r}"
            continue
        if name in mart.columns:
            yield where, f"{metric.mart} has a column of this name; a metric needs its own"
        try:
            tree = sqlglot.parse_one(metric.sql, read="postgres")
        except sqlglot.ParseError as error:
            yield [*where, "sql"], f"not SQL: {str(error).splitlines()[0]}"
            continue
        if not list(tree.find_all(exp.AggFunc)):
            yield [*where, "sql"], "a metric aggregates: no aggregate function found"
        for column in sorted({column.name for column in tree.find_all(exp.Column)}):
            if column not in mart.columns:
                yield [*where, "sql"], f"{metric.mart} has no column {column!r}"


def map_faults(maps: Maps, marts: dict[str, Mart], tokens: Tokens) -> Iterator[Fault]:
    for name, view in maps.maps.items():
        where: list[int | str] = ["maps", name]
        if name in marts:
            yield where, "a mart has this name; a map needs its own"
        for field, mart_name, columns in _map_columns(view):
            mart = marts.get(mart_name)
            if mart is None:
                yield [*where, *field], f"dbt declares no mart {mart_name!r}"
                continue
            for column in columns:
                if column not in mart.columns:
                    yield [*where, *field], f"{mart_name} has no column {column!r}"
        for index, band in enumerate(view.bands):
            if not _is_colour(tokens, band.colour):
                yield [*where, "bands", index, "colour"], f"theme/tokens.yml has no colour {band.colour!r}"


def _map_columns(view: MapView) -> Iterator[tuple[list[int | str], str, list[str]]]:
    places = [view.places.longitude, view.places.latitude] if view.places else []
    yield ["values"], view.values, [view.key, *places]
    yield ["outlines"], view.outlines.mart, [view.outlines.key, view.outlines.geometry]


def _is_colour(tokens: Tokens, name: str) -> bool:
    try:
        colour(tokens, tokens.light, name)
    except KeyError:
        return False
    return True


def _tile_faults(tile: DataTile, content: Dashboards) -> Iterator[Fault]:
    if isinstance(tile, MapTile):
        view = content.maps.maps.get(tile.mart)
        if view is None:
            yield ["mart"], f"maps.yml has no map {tile.mart!r}"
            return
        if (view.places is not None) != (tile.kind == "map_points"):
            yield (
                ["kind"],
                f"{tile.mart} draws {'places' if view.places else 'outlines'}, not what {tile.kind} shows",
            )
        mart = view.values
    elif tile.mart in content.marts:
        mart = tile.mart
    else:
        yield ["mart"], f"dbt declares no mart {tile.mart!r}"
        return
    columns = content.marts[mart].columns
    for place, column in tile_columns(tile):
        if column not in columns:
            yield place, f"{mart} has no column {column!r}"
    for column, map_name in getattr(tile, "bands", {}).items():
        if map_name not in content.maps.maps:
            yield ["bands", column], f"maps.yml has no map {map_name!r}"
    for metric in tile_metrics(tile):
        if metric not in content.metrics:
            yield [], f"metrics.yml has no metric {metric!r}"
        elif content.metrics[metric].mart != mart:
            yield [], f"metric {metric!r} belongs to {content.metrics[metric].mart}, this tile reads {mart}"
    time = getattr(tile, "time", None) or (getattr(tile, "x", None) if getattr(tile, "grain", None) else None)
    if time in columns and not columns[time].temporal:
        yield [], f"{time!r} is {columns[time].type}, not a time"


def _tiles_with_place(scenario: Scenario) -> Iterator[tuple[list[int | str], Any]]:
    for tab_index, tab in enumerate(scenario.tabs):
        for row_index, row in enumerate(tab.rows):
            for tile_index, tile in enumerate(row.tiles):
                yield ["tabs", tab_index, "rows", row_index, "tiles", tile_index], tile


def scenario_faults(scenario: Scenario, content: Dashboards) -> Iterator[Fault]:
    read: set[str] = set()
    for place, tile in _tiles_with_place(scenario):
        if isinstance(tile, DataTile):
            for where, reason in _tile_faults(tile, content):
                yield [*place, *where], f"tile {tile.id}: {reason}"
            view = content.maps.maps.get(tile.mart)
            read |= {view.values, view.outlines.mart} if view else {tile.mart}
    tiles = {tile.id for tile in scenario.tiles}
    asked = {question.tile for question in scenario.questions}
    for index, question in enumerate(scenario.questions):
        if question.tile not in tiles:
            yield ["questions", index, "tile"], f"no tile {question.tile!r} answers this question"
    first_screen = {tile.id for row in scenario.tabs[0].rows for tile in row.tiles}
    for index, question in enumerate(scenario.questions):
        if question.tile in tiles - first_screen:
            yield (
                ["questions", index, "tile"],
                f"tile {question.tile!r} is not on the first tab, where answers belong",
            )
    if not asked & tiles:
        yield ["questions"], "no question is answered"
    for index, mart in enumerate(scenario.marts):
        if mart not in content.marts:
            yield ["marts", index], f"dbt declares no mart {mart!r}"
        elif mart not in read | {scenario.freshness.mart}:
            yield ["marts", index], f"no tile reads {mart}"
    for mart in sorted((read & set(content.marts)) - set(scenario.marts)):
        yield ["marts"], f"tiles read {mart}, which is not listed"
    freshness = content.marts.get(scenario.freshness.mart)
    if freshness is None or scenario.freshness.column not in freshness.columns:
        yield ["freshness"], f"dbt declares no column {scenario.freshness.mart}.{scenario.freshness.column}"
    for index, chosen in enumerate(scenario.filters):
        if isinstance(chosen, SelectFilter):
            chosen_mart = content.marts.get(chosen.mart)
            if chosen_mart is None or chosen.column not in chosen_mart.columns:
                yield ["filters", index], f"dbt declares no column {chosen.mart}.{chosen.column}"
    for label, token in scenario.colours.items():
        if not _is_colour(content.tokens, token):
            yield ["colours", label], f"theme/tokens.yml has no colour {token!r}"
