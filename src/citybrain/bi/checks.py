"""What pydantic cannot see: every name checked against the marts, the metrics, the maps and the tokens."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from citybrain.bi.marts import Mart, MartColumn
from citybrain.bi.semantics import (
    Link,
    Links,
    Maps,
    MapView,
    Metric,
    Metrics,
    Roles,
    RowSecurity,
    Tokens,
)
from citybrain.bi.spec import (
    AttentionTable,
    DataTile,
    Heatmap,
    How,
    Kpi,
    KpiTrend,
    MapTile,
    Pie,
    RankTable,
    Scenario,
    SelectFilter,
    Sources,
    SummaryTable,
    TrendBar,
    TrendLine,
)
from citybrain.bi.theme import colour
from citybrain.catalogue import DisplayScenario

Fault = tuple[list[int | str], str]
BIG_SCREEN = 106  # units of 8 pixels in three rows, below a wall's clock and banner on 1080 lines


@dataclass(frozen=True)
class Addresses:
    """Where the platform's other pages stand, for links out of a dashboard; no slash at the end."""

    desk: str
    pages: str


@dataclass(frozen=True)
class Dashboards:
    """Everything the compiler needs."""

    scenarios: dict[str, Scenario]
    metrics: dict[str, Metric]
    maps: Maps
    tokens: Tokens
    roles: Roles
    rows: RowSecurity
    marts: dict[str, Mart]
    links: dict[str, Link]
    datasets: frozenset[str]  # names of the catalogue's datasets
    displays: dict[str, DisplayScenario]  # display scenarios of the catalogue
    departments: dict[str, str]  # Chinese names by id
    addresses: Addresses

    def columns(self, dataset: str) -> dict[str, MartColumn]:
        """The columns a tile on `dataset` may name: those of the mart, or of the mart that a map draws."""
        if dataset in self.maps.maps:
            return self.marts[self.maps.maps[dataset].values].columns
        return self.marts[dataset].columns


def tile_metrics(tile: DataTile) -> list[str]:
    match tile:
        case Kpi() | KpiTrend() | Pie() | Heatmap() | MapTile():
            return [tile.metric]
        case AttentionTable():
            ordering = tile.ordering_metric
            return [*tile.metrics, *([ordering] if ordering and ordering not in tile.metrics else [])]
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
            if not getattr(tile, "metrics", []):
                yield ["order", index], name.removeprefix("-")
        for name in tile.bands:
            yield ["bands", name], name


def metric_columns(metric: Metric) -> set[str]:
    """The columns of its mart that a metric's SQL reads."""
    return {column.name for column in sqlglot.parse_one(metric.sql, read="postgres").find_all(exp.Column)}


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
        for column in sorted(metric_columns(metric)):
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


def link_faults(links: Links, marts: dict[str, Mart]) -> Iterator[Fault]:
    for name, link in links.links.items():
        if not any(link.key in mart.columns for mart in marts.values()):
            yield ["links", name, "key"], f"no mart has a column {link.key!r}"


def row_faults(
    rows: RowSecurity, roles: Roles, displays: Collection[str], marts: dict[str, Mart]
) -> Iterator[Fault]:
    for index, name in enumerate(rows.whole_city):
        if name not in roles.roles:
            yield ["whole_city", index], f"roles.yml has no role {name!r}"
    for index, slug in enumerate(rows.departments.dashboards):
        if slug not in displays:
            yield ["departments", "dashboards", index], f"the catalogue has no display scenario {slug!r}"
    columns = {name for mart in marts.values() for name in mart.columns}
    if rows.counties.column not in columns:
        yield ["counties", "column"], f"no mart has a column {rows.counties.column!r}"
    for index, name in enumerate(rows.departments.columns):
        if name not in columns:
            yield ["departments", "columns", index], f"no mart has a column {name!r}"


def _map_columns(view: MapView) -> Iterator[tuple[list[int | str], str, list[str]]]:
    places = [view.places.longitude, view.places.latitude] if view.places else []
    places += [view.places.only] if view.places and view.places.only else []
    yield ["values"], view.values, [view.key, *places, *([view.label] if view.label else [])]
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
        elif not content.maps.maps[map_name].bands:
            yield ["bands", column], f"{map_name} has steps, which follow from its data, and no bands"
    for metric in tile_metrics(tile):
        if metric not in content.metrics:
            yield [], f"metrics.yml has no metric {metric!r}"
        elif content.metrics[metric].mart != mart:
            yield [], f"metric {metric!r} belongs to {content.metrics[metric].mart}, this tile reads {mart}"
    if isinstance(tile, AttentionTable):
        yield from _link_faults(tile, mart, content)
    if isinstance(tile, Sources):
        for index, name in enumerate(tile.datasets):
            if name not in content.datasets:
                yield ["datasets", index], f"the catalogue has no dataset {name!r}"
    time = getattr(tile, "time", None) or (getattr(tile, "x", None) if getattr(tile, "grain", None) else None)
    if time in columns and not columns[time].temporal:
        yield [], f"{time!r} is {columns[time].type}, not a time"


def _link_faults(tile: AttentionTable, mart: str, content: Dashboards) -> Iterator[Fault]:
    columns = content.marts[mart].columns
    leads = [name for name, link in content.links.items() if link.key in columns]
    if tile.link is None:
        if leads:
            yield ["link"], f"{mart} knows where a row leads: {' or '.join(leads)}"
    elif tile.link not in content.links:
        yield ["link"], f"links.yml has no link {tile.link!r}"
    elif tile.link not in leads:
        yield ["link"], f"{mart} has no column {content.links[tile.link].key!r}, the key of {tile.link}"


def _tiles_with_place(scenario: Scenario) -> Iterator[tuple[list[int | str], Any]]:
    for tab_index, tab in enumerate(scenario.tabs):
        for row_index, row in enumerate(tab.rows):
            for tile_index, tile in enumerate(row.tiles):
                yield ["tabs", tab_index, "rows", row_index, "tiles", tile_index], tile


def _unasked(scenario: Scenario) -> Iterator[Fault]:
    """A tile that answers no question has no place on a dashboard."""
    answering = {name for question in scenario.questions for name in (question.tile, *question.more)}
    for place, tile in _tiles_with_place(scenario):
        if isinstance(tile, DataTile) and tile.id not in answering:
            yield place, f"tile {tile.id} answers none of the questions"


def _titles_twice(scenario: Scenario) -> Iterator[Fault]:
    """A title names one tile: legends of maps and words for empty charts are laid over tiles by title."""
    seen: set[str] = set()
    for place, tile in _tiles_with_place(scenario):
        if isinstance(tile, DataTile):
            if tile.title in seen:
                yield [*place, "title"], f"tile {tile.id}: another tile has the title {tile.title!r}"
            seen.add(tile.title)


def _missing_parts(scenario: Scenario) -> Iterator[Fault]:
    """What every dashboard has: a list of what needs attention and the origin of its data on the first tab,
    and how its figures are computed."""
    first = [tile for row in scenario.tabs[0].rows for tile in row.tiles]
    if not any(isinstance(tile, AttentionTable) for tile in first):
        yield ["tabs", 0], "the first tab has no attention_table: what needs attention now?"
    if not any("origin_label" in (*getattr(tile, "columns", ()), *_groups(tile)) for tile in first):
        yield ["tabs", 0], "the first tab does not tell whether the data is real or synthetic (origin_label)"
    height = sum(row.height for row in scenario.tabs[0].rows)
    if "big" in scenario.screens and height > BIG_SCREEN:
        yield (
            ["tabs", 0],
            f"the first tab is {height} high; a big screen shows {BIG_SCREEN} without scrolling",
        )
    if not any(isinstance(tile, How) for tile in scenario.tiles):
        yield ["tabs"], "no tile of kind how tells how the figures are computed"


def _groups(tile: Any) -> list[str]:
    return tile.by if isinstance(tile, SummaryTable) else []


def _catalogue_faults(scenario: Scenario, content: Dashboards) -> Iterator[Fault]:
    """Every indicator that the catalogue promises for this scenario is shown."""
    promised = content.displays.get(scenario.slug)
    if promised is None:
        yield ["slug"], f"the catalogue has no display scenario {scenario.slug!r}"
        return
    if scenario.owner not in content.departments:
        yield ["owner"], f"the catalogue has no department {scenario.owner!r}"
    for field in ("domain", "provenance"):
        if getattr(scenario, field) != getattr(promised, field):
            yield [field], f"the catalogue says {getattr(promised, field)!r}"
    shown = {metric for tile in scenario.data_tiles for metric in tile_metrics(tile)}
    for indicator in promised.indicators:
        for metric in indicator.metrics:
            if metric not in shown:
                yield ["tabs"], f"no tile shows {metric}, promised as {indicator.en!r}"


def scenario_faults(scenario: Scenario, content: Dashboards) -> Iterator[Fault]:
    read: set[str] = set()
    for place, tile in _tiles_with_place(scenario):
        if isinstance(tile, DataTile):
            for where, reason in _tile_faults(tile, content):
                yield [*place, *where], f"tile {tile.id}: {reason}"
            view = content.maps.maps.get(tile.mart)
            read |= {view.values, view.outlines.mart} if view else {tile.mart}
    tiles = {tile.id for tile in scenario.tiles}
    for index, question in enumerate(scenario.questions):
        if question.tile not in tiles:
            yield ["questions", index, "tile"], f"no tile {question.tile!r} answers this question"
        for position, name in enumerate(question.more):
            if name not in tiles:
                yield ["questions", index, "more", position], f"there is no tile {name!r}"
    first_screen = {tile.id for row in scenario.tabs[0].rows for tile in row.tiles}
    for index, question in enumerate(scenario.questions):
        if question.tile in tiles - first_screen:
            yield (
                ["questions", index, "tile"],
                f"tile {question.tile!r} is not on the first tab, where answers belong",
            )
    yield from _unasked(scenario)
    yield from _titles_twice(scenario)
    yield from _missing_parts(scenario)
    yield from _catalogue_faults(scenario, content)
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
