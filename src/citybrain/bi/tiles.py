"""The closed list of tile kinds: each becomes one Superset chart with the parameters that were seen to work.

The browser builds its queries from these parameters, reports and our own check from
`queries.query_object`; both come from the same tile.
"""

import re
from collections.abc import Callable
from typing import Any

from citybrain.bi.content import Dashboards
from citybrain.bi.marts import MartColumn
from citybrain.bi.queries import MAP_LABEL, MAP_LAYER, OUTLINE, adhoc_filter, table_columns, time_filter
from citybrain.bi.semantics import AMOUNT, AMOUNT_ON_DARK, Palette
from citybrain.bi.spec import (
    AttentionTable,
    DataTile,
    Heatmap,
    Kpi,
    KpiTrend,
    MapTile,
    Pie,
    RankTable,
    Scenario,
    SummaryTable,
    TrendBar,
    TrendLine,
)
from citybrain.bi.theme import colour

Params = dict[str, Any]
NEXT_TO_NOTHING = 0.001  # the browser takes a missing value for 0: the first band starts just above
SHARES = {"rate", "share"}  # a column with such a word in its name is a share of one
YEARS = {"year", "fact_year", "school_year"}  # numbers that are names: no thousands separator
TIME_FORMATS = {"PT1H": "%m-%d %H:%M", "P1D": "%Y-%m-%d", "P1M": "%Y-%m", "P1Y": "%Y"}


def rgba(hex_colour: str, alpha: float = 1) -> dict[str, float]:
    red, green, blue = (int(hex_colour[start : start + 2], 16) for start in (1, 3, 5))
    return {"r": red, "g": green, "b": blue, "a": alpha}


def palette_of(scenario: Scenario, content: Dashboards) -> Palette:
    return content.tokens.dark if scenario.theme == "dark" else content.tokens.light


def _kpi(tile: Kpi, scenario: Scenario, content: Dashboards) -> Params:
    metric = content.metrics[tile.metric]
    return {
        "metric": tile.metric,
        "subtitle": tile.note or "",
        "header_font_size": 0.5,
        "subtitle_font_size": 0.2,
        "y_axis_format": metric.format,
        "time_format": metric.format if metric.format.startswith("%") else "smart_date",
        "force_timestamp_formatting": metric.format.startswith("%"),
    }


def _kpi_trend(tile: KpiTrend, scenario: Scenario, content: Dashboards) -> Params:
    return {
        "metric": tile.metric,
        "x_axis": tile.time,
        "time_grain_sqla": tile.grain,
        "aggregation": "LAST_VALUE",
        "show_trend_line": True,
        "start_y_axis_at_zero": False,
        "rolling_type": None,
        "color_picker": rgba(palette_of(scenario, content).brand),
        "subheader": tile.note or "",
        "header_font_size": 0.4,
        "subheader_font_size": 0.15,
        "y_axis_format": content.metrics[tile.metric].format,
        "time_format": TIME_FORMATS[tile.grain],
        "show_timestamp": False,
    }


def _axis_format(d3_format: str) -> str:
    """The metric's format without the zeros that say nothing on an axis: 30% instead of 30.0%."""
    return re.sub(r"(\.\d+)(?=[f%]$)", r"\1~", d3_format)


def _axis_time(tile: TrendLine | TrendBar) -> str:
    """How the axis tells a time: of the last days without their year."""
    if tile.grain == "P1D" and tile.span != "No filter":
        return "%m-%d"
    return TIME_FORMATS[tile.grain] if tile.grain else "smart_date"


def _axes(tile: TrendLine | TrendBar, content: Dashboards) -> Params:
    metric = content.metrics[tile.metrics[0]]
    several = len(tile.metrics) > 1 or tile.by is not None
    unit = metric.unit if metric.unit and not getattr(tile, "horizontal", False) else ""
    return {
        "metrics": tile.metrics,
        "groupby": [tile.by] if tile.by else [],
        "time_grain_sqla": tile.grain,
        "x_axis_time_format": _axis_time(tile),
        "y_axis_format": _axis_format(metric.format),
        "y_axis_title": unit,
        "y_axis_title_margin": 30 if unit else 0,
        "y_axis_title_position": "Top",
        "x_axis_title_margin": 0,
        "y_axis_bounds": [None, None],
        "rich_tooltip": True,
        "tooltipTimeFormat": TIME_FORMATS[tile.grain] if tile.grain else "smart_date",
        "show_legend": several,
        "legendType": "scroll",
        "legendOrientation": "top",
        "order_desc": True,
        "row_limit": 10_000,
        "truncate_metric": True,
        "show_empty_columns": True,
        # The spec's order of metrics is an order of meaning; values of a column stand by their size.
        "sort_series_type": "sum" if tile.by else None,
        "sort_series_ascending": False,
        "comparison_type": "values",
        "color_scheme": "supersetColors",
        "only_total": True,
        "zoomable": False,
    }


def _trend_line(tile: TrendLine, scenario: Scenario, content: Dashboards) -> Params:
    palette = palette_of(scenario, content)
    threshold = {
        "annotationType": "FORMULA",
        "name": f"限值 {tile.threshold:g}" if tile.threshold is not None else "",
        "value": f"{tile.threshold}",
        "show": True,
        "showLabel": False,
        "showMarkers": False,
        "style": "dashed",
        "width": 1,
        "opacity": "",
        "color": palette.alarm,
    }
    return _axes(tile, content) | {
        "x_axis": tile.time,
        "x_axis_sort_asc": True,
        "seriesType": "line",
        "area": tile.area,
        "opacity": 0.15,
        "markerEnabled": tile.markers,
        "markerSize": 4,
        "stack": None,
        "logAxis": tile.log,
        # Shares that move between 85 and 95 % are read where they move; amounts are read against zero.
        "truncateYAxis": not tile.from_zero or content.metrics[tile.metrics[0]].format.endswith("%"),
        "annotation_layers": [threshold] if tile.threshold is not None else [],
    }


def _trend_bar(tile: TrendBar, scenario: Scenario, content: Dashboards) -> Params:
    by_value = tile.order == "value"
    return _axes(tile, content) | {
        "x_axis": tile.x,
        # A horizontal chart draws its first row at the bottom.
        "x_axis_sort": tile.metrics[0] if by_value else None,
        "x_axis_sort_asc": tile.horizontal if by_value else not tile.horizontal,
        "x_axis_sort_series": "sum" if by_value else "name",
        "x_axis_sort_series_ascending": tile.horizontal if by_value else not tile.horizontal,
        "orientation": "horizontal" if tile.horizontal else "vertical",
        "stack": "Stack" if tile.stack else None,
        "row_limit": 10_000 if tile.by or tile.grain else tile.limit,
        "show_value": tile.horizontal and tile.by is None and len(tile.metrics) == 1,
        "xAxisForceCategorical": tile.grain is None,
        "xAxisLabelInterval": "auto" if tile.grain else "0",
        "y_axis_bounds": [None, tile.top],
        "annotation_layers": [],
    }


def _pie(tile: Pie, scenario: Scenario, content: Dashboards) -> Params:
    return {
        "groupby": [tile.by],
        "metric": tile.metric,
        "row_limit": tile.limit,
        "sort_by_metric": True,
        "color_scheme": "supersetColors",
        "show_labels": True,
        "show_labels_threshold": 4,
        "labels_outside": True,
        "label_line": True,
        "label_type": "percent",
        "number_format": content.metrics[tile.metric].format,
        "donut": True,
        "innerRadius": 42,
        "outerRadius": 64,
        "show_total": False,
        "show_legend": True,
        "legendType": "scroll",
        "legendOrientation": "top",
    }


def _cell_format(column: MartColumn) -> str:
    if column.name in YEARS:
        return "d"
    words = set(column.name.split("_"))
    if SHARES & words:
        return ".1%"
    if column.unit == "B":
        return ".3~s"  # 126M, 765k
    if {"index", "per", "times", "m", "value", "price", "wan"} & words:
        return ",.2f"
    return ",d" if "int" in column.type or "yuan" in words else ",.1f"


def _column_config(tile: RankTable, content: Dashboards) -> Params:
    columns = content.columns(tile.mart)
    config: Params = {}
    for name in tile.columns:
        column = columns[name]
        settings: Params = {"showCellBars": name in tile.bars}
        if column.numeric:
            settings["d3NumberFormat"] = _cell_format(column)
        if column.type == "boolean":
            settings["horizontalAlign"] = "center"
        config[name] = settings
    return config


def _band_colours(tile: RankTable, scenario: Scenario, content: Dashboards) -> list[Params]:
    """Cells take the colour of the map band their value falls in: one scale means one thing everywhere."""
    formats = []
    palette = palette_of(scenario, content)
    for column, map_name in tile.bands.items():
        lowest = NEXT_TO_NOTHING
        for band in content.maps.maps[map_name].bands:
            formats.append(
                {
                    "column": column,
                    "operator": "< x ≤",
                    "targetValueLeft": lowest,
                    "targetValueRight": band.upto,
                    "colorScheme": colour(content.tokens, palette, band.colour),
                    "useGradient": False,
                }
            )
            lowest = band.upto
    return formats


def _rank_table(tile: RankTable, scenario: Scenario, content: Dashboards) -> Params:
    columns = content.columns(tile.mart)
    with_time = any(columns[name].temporal and columns[name].type != "date" for name in tile.columns)
    return {
        "query_mode": "raw",
        "all_columns": table_columns(tile),
        "order_by_cols": [
            f'["{name.removeprefix("-")}", {str(not name.startswith("-")).lower()}]' for name in tile.order
        ],
        "groupby": [],
        "metrics": [],
        "percent_metrics": [],
        "row_limit": tile.limit,
        "server_page_length": 50,
        "server_pagination": False,
        "include_search": False,
        "allow_rearrange_columns": False,
        "table_timestamp_format": "%Y-%m-%d %H:%M" if with_time else "%Y-%m-%d",
        "show_cell_bars": bool(tile.bars),
        "color_pn": False,
        "column_config": _column_config(tile, content),
        "conditional_formatting": _band_colours(tile, scenario, content),
    }


def _attention_table(tile: AttentionTable, scenario: Scenario, content: Dashboards) -> Params:
    params = _rank_table(tile, scenario, content)
    if not tile.metrics:
        return params
    formats = {
        name: {"d3NumberFormat": content.metrics[name].format, "showCellBars": False} for name in tile.metrics
    }
    return params | {
        "query_mode": "aggregate",
        "groupby": table_columns(tile),
        "metrics": tile.metrics,
        "all_columns": [],
        "order_by_cols": [],
        "order_desc": True,
        "timeseries_limit_metric": tile.ordering_metric,
        "column_config": params["column_config"] | formats,
    }


def _summary_table(tile: SummaryTable, scenario: Scenario, content: Dashboards) -> Params:
    return {
        "query_mode": "aggregate",
        "groupby": tile.by,
        "metrics": tile.metrics,
        "all_columns": [],
        "percent_metrics": [],
        "order_desc": not tile.ascending,
        "timeseries_limit_metric": tile.metrics[0],
        "row_limit": tile.limit,
        "server_pagination": False,
        "show_cell_bars": True,
        "color_pn": False,
        "table_timestamp_format": "%Y-%m-%d %H:%M",
        "column_config": {
            name: {
                "d3NumberFormat": content.metrics[name].format,
                "showCellBars": not content.metrics[name].format.endswith("%"),
            }
            for name in tile.metrics
        },
    }


def _heatmap(tile: Heatmap, scenario: Scenario, content: Dashboards) -> Params:
    return {
        "x_axis": tile.x,
        "groupby": tile.y,
        "metric": tile.metric,
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_asc",
        "normalize_across": "heatmap",
        "legend_type": "continuous",
        "linear_color_scheme": "schemeBlues",
        "xscale_interval": -1 if tile.values else 1,
        "xAxisLabelRotation": 0 if tile.values else 45,
        "yscale_interval": 1,
        "left_margin": "auto",
        "bottom_margin": 50 if tile.values else 80,
        "value_bounds": [None, None],
        "y_axis_format": content.metrics[tile.metric].format,
        "x_axis_time_format": "%m-%d",
        "show_legend": not tile.values,  # its numbers keep a dark ink, on a dark ground, too
        "show_percentage": False,
        "show_values": tile.values,
        "normalized": False,
        "row_limit": 10_000,
    }


def _map(tile: MapTile, scenario: Scenario, content: Dashboards) -> Params:
    view = content.maps.maps[tile.mart]
    palette = palette_of(scenario, content)
    steps = []
    lowest = NEXT_TO_NOTHING
    for band in view.bands:
        steps.append(
            {
                "minValue": lowest,
                "maxValue": band.upto,
                "color": rgba(colour(content.tokens, palette, band.colour), 100),
            }
        )
        lowest = band.upto
    port = content.maps.viewport
    scale: Params = {
        "color_scheme_type": "color_breakpoints",
        "color_breakpoints": steps,
        "legend_position": None,  # it knows numbers only; ours is in the dashboard's CSS
    }
    if view.steps is not None:
        scale = {
            "color_scheme_type": "linear_palette",
            "linear_color_scheme": list(
                content.tokens.scales[AMOUNT_ON_DARK if scenario.theme == "dark" else AMOUNT].values()
            ),
            "num_buckets": view.steps,
            "break_points": [],
            "legend_position": "bl",
            "legend_format": _axis_format(content.metrics[tile.metric].format),
        }
    return scale | {
        "line_column": OUTLINE,
        "line_type": "json",
        "metric": tile.metric,
        "filter_nulls": False,
        "row_limit": 10_000,
        # What comes first is drawn first: places lie on the outlines, the highest value on top.
        "order_by_cols": [f'["{MAP_LAYER}", true]', f'["{tile.metric}", true]'],
        "mapbox_style": "",
        "autozoom": True,
        "viewport": {
            "longitude": port.longitude,
            "latitude": port.latitude,
            "zoom": port.zoom,
            "bearing": 0,
            "pitch": 0,
        },
        "default_breakpoint_color": rgba(palette.line, 1),
        "fill_color_picker": rgba(palette.line),
        "stroke_color_picker": rgba(palette.quiet),
        "filled": True,
        "stroked": True,
        "extruded": False,
        "line_width": 1,
        "line_width_unit": "pixels",
        "opacity": 90,
        "multiplier": 1,
        "table_filter": False,
        "toggle_polygons": True,
        "reverse_long_lat": False,
        "js_columns": [MAP_LAYER],
        "tooltip_contents": [
            {"item_type": "column", "column_name": name, "verbose_name": name}
            for name in [MAP_LABEL, *tile.tooltip]
        ]
        + [{"item_type": "metric", "metric_name": tile.metric, "label": content.metrics[tile.metric].label}],
        "tooltip_template": "",
    }


COMPILERS: dict[str, tuple[str, Callable[..., Params]]] = {
    "kpi": ("big_number_total", _kpi),
    "kpi_trend": ("big_number", _kpi_trend),
    "trend_line": ("echarts_timeseries_line", _trend_line),
    "trend_bar": ("echarts_timeseries_bar", _trend_bar),
    "pie": ("pie", _pie),
    "rank_table": ("table", _rank_table),
    "attention_table": ("table", _attention_table),
    "sources": ("table", _rank_table),
    "summary_table": ("table", _summary_table),
    "heatmap": ("heatmap_v2", _heatmap),
    "map_regions": ("deck_polygon", _map),
    "map_points": ("deck_polygon", _map),
}


def _adhoc_filters(tile: DataTile) -> list[dict[str, Any]]:
    filters = [adhoc_filter(condition) for condition in tile.where]
    span = getattr(tile, "span", "No filter")
    column = getattr(tile, "time", None) or (
        getattr(tile, "x", None) if getattr(tile, "grain", None) else None
    )
    return [*filters, time_filter(column, span)] if column else filters


def chart_params(tile: DataTile, scenario: Scenario, content: Dashboards) -> tuple[str, Params]:
    """The chart's type in Superset and its parameters. The dataset's id is 0 until the import."""
    viz_type, compile_params = COMPILERS[tile.kind]  # type: ignore[attr-defined]
    return viz_type, {
        "datasource": "0__table",
        "viz_type": viz_type,
        "adhoc_filters": _adhoc_filters(tile),
        "extra_form_data": {},
        "dashboards": [],
        **compile_params(tile, scenario, content),
    }
