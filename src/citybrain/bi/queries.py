"""Superset's query objects: what a tile asks of its dataset, without a word on how it looks."""

from typing import Any

from citybrain.bi.spec import (
    AttentionTable,
    Condition,
    DataTile,
    Heatmap,
    Kpi,
    KpiTrend,
    MapTile,
    Pie,
    RankTable,
    SummaryTable,
    TrendBar,
    TrendLine,
)

OUTLINE = "outline"  # the column of a map dataset that holds one ring of coordinates as JSON
MAP_LABEL = "place"
MAP_LAYER = "layer"  # 0 for outlines, 1 for what lies on them
Column = str | dict[str, Any]


def time_axis(column: str, grain: str | None) -> Column:
    """The x axis of a chart over time, cut to `grain`."""
    if grain is None:
        return column
    return {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "sqlExpression": column,
        "label": column,
        "timeGrain": grain,
    }


def query_filter(condition: Condition) -> dict[str, Any]:
    clause: dict[str, Any] = {"col": condition.column, "op": condition.op}
    if condition.value is not None:
        clause["val"] = condition.value
    return clause


def adhoc_filter(condition: Condition) -> dict[str, Any]:
    """The same comparison as the chart editor keeps it."""
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": condition.column,
        "operator": condition.op,
        "comparator": condition.value,
        "isExtra": False,
        "isNew": False,
    }


def time_filter(column: str, span: str) -> dict[str, Any]:
    """Keeps the column as the one that a time filter of the dashboard narrows."""
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": "TEMPORAL_RANGE",
        "comparator": span,
        "isExtra": False,
        "isNew": False,
    }


def link_column(name: str) -> str:
    """The dataset's column that holds a row's link."""
    return f"link_{name}"


def table_columns(tile: RankTable) -> list[str]:
    """The columns as they are shown; an attention table begins with its link."""
    link = getattr(tile, "link", None)
    return [link_column(link), *tile.columns] if link else list(tile.columns)


def _selection(tile: DataTile) -> dict[str, Any]:
    match tile:
        case Kpi():
            return {"columns": [], "metrics": [tile.metric]}
        case KpiTrend():
            return {"columns": [time_axis(tile.time, tile.grain)], "metrics": [tile.metric]}
        case TrendLine():
            by = [tile.by] if tile.by else []
            return {
                "columns": [time_axis(tile.time, tile.grain), *by],
                "metrics": tile.metrics,
                "orderby": [[tile.metrics[0], False]],
            }
        case TrendBar():
            by = [tile.by] if tile.by else []
            return {
                "columns": [time_axis(tile.x, tile.grain), *by],
                "metrics": tile.metrics,
                "orderby": [[tile.metrics[0], False]],
                "row_limit": 10_000 if tile.by or tile.grain else tile.limit,
            }
        case Pie():
            return {
                "columns": [tile.by],
                "metrics": [tile.metric],
                "orderby": [[tile.metric, False]],
                "row_limit": tile.limit,
            }
        case AttentionTable() if tile.metrics:
            return {
                "columns": table_columns(tile),
                "metrics": tile.metrics,
                "orderby": [[tile.ordering_metric, False]],
                "row_limit": tile.limit,
            }
        case RankTable():
            return {
                "columns": table_columns(tile),
                "metrics": None,
                "orderby": [[name.removeprefix("-"), not name.startswith("-")] for name in tile.order],
                "row_limit": tile.limit,
            }
        case SummaryTable():
            return {
                "columns": tile.by,
                "metrics": tile.metrics,
                "orderby": [[tile.metrics[0], tile.ascending]],
                "row_limit": tile.limit,
            }
        case Heatmap():
            return {"columns": [tile.x, tile.y], "metrics": [tile.metric]}
        case MapTile():
            return {
                "columns": [MAP_LABEL, *tile.tooltip, OUTLINE, MAP_LAYER],
                "metrics": [tile.metric],
                "orderby": [[MAP_LAYER, True], [tile.metric, True]],
            }
    raise TypeError(f"{type(tile).__name__} asks nothing")


def query_object(tile: DataTile) -> dict[str, Any]:
    """One entry of `queries` in a query context."""
    filters = [query_filter(condition) for condition in tile.where]
    span, column = getattr(tile, "span", "No filter"), getattr(tile, "time", getattr(tile, "x", None))
    if span != "No filter":
        filters.append({"col": column, "op": "TEMPORAL_RANGE", "val": span})
    base: dict[str, Any] = {
        "filters": filters,
        "extras": {"having": "", "where": ""},
        "applied_time_extras": {},
        "annotation_layers": [],
        "custom_params": {},
        "orderby": [],
        "row_limit": 10_000,
        "series_limit": 0,
        "order_desc": True,
        "url_params": {},
    }
    return base | _selection(tile)
