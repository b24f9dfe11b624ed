"""One dashboard file: tabs, rows, filters, colours and refresh."""

from typing import Any

from citybrain.bi.content import Dashboards
from citybrain.bi.identity import asset_uuid, layout_id
from citybrain.bi.legend import map_legends
from citybrain.bi.spec import (
    AnyTile,
    DataTile,
    How,
    Row,
    Scenario,
    SelectFilter,
    TimeFilter,
    TrendBar,
    TrendLine,
)
from citybrain.bi.theme import colour, dashboard_css
from citybrain.bi.tiles import palette_of

Position = dict[str, Any]


def chart_number(scenario: Scenario, tile: DataTile) -> int:
    """The chart's number inside the file; the import replaces it. Unique within the dashboard."""
    return scenario.data_tiles.index(tile) + 1


def how_text(tile: How, scenario: Scenario, content: Dashboards) -> str:
    """Markdown: the points, then every mart that is read, each leading to its page in the dbt docs."""
    marts = [content.marts[name] for name in scenario.marts]
    links = "、".join(
        f"[{mart.zh}]({content.addresses.pages}/dbt/#!/model/model.citybrain.{mart.name})" for mart in marts
    )
    points = "\n".join(f"- {point}" for point in tile.points)
    return f"**怎么算的**\n\n{points}\n\n**取自数据表**\n\n{links}\n"


def _tile_node(
    scenario: Scenario, content: Dashboards, tile: AnyTile, height: int, parents: list[str]
) -> tuple[str, dict[str, Any]]:
    meta: dict[str, Any]
    if isinstance(tile, DataTile):
        kind = "CHART"
        meta = {
            "uuid": str(asset_uuid("chart", scenario.slug, tile.id)),
            "chartId": chart_number(scenario, tile),
            "sliceName": tile.title,
        }
    else:
        kind = "MARKDOWN"
        meta = {"code": how_text(tile, scenario, content) if isinstance(tile, How) else tile.body}
    node = layout_id(kind, scenario.slug, tile.id)
    return node, {
        "id": node,
        "type": kind,
        "children": [],
        "parents": parents,
        "meta": {"width": tile.width, "height": height, **meta},
    }


def _add_row(
    position: Position, scenario: Scenario, content: Dashboards, row: Row, name: str, parents: list[str]
) -> str:
    node = layout_id("ROW", scenario.slug, name)
    children = []
    for tile in row.tiles:
        child, entry = _tile_node(scenario, content, tile, row.height, [*parents, node])
        position[child] = entry
        children.append(child)
    position[node] = {
        "id": node,
        "type": "ROW",
        "children": children,
        "parents": parents,
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }
    return node


def position(scenario: Scenario, content: Dashboards) -> Position:
    """The layout tree. A dashboard with one tab has no tab bar."""
    nodes: Position = {
        "DASHBOARD_VERSION_KEY": "v2",
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": scenario.title}},
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
    }
    if len(scenario.tabs) == 1:
        nodes["GRID_ID"]["children"] = [
            _add_row(nodes, scenario, content, row, f"{scenario.tabs[0].id}/{index}", ["ROOT_ID", "GRID_ID"])
            for index, row in enumerate(scenario.tabs[0].rows)
        ]
        return nodes
    tabs = layout_id("TABS", scenario.slug)
    nodes["ROOT_ID"]["children"] = [tabs]
    nodes[tabs] = {"id": tabs, "type": "TABS", "children": [], "parents": ["ROOT_ID"], "meta": {}}
    for tab in scenario.tabs:
        node = layout_id("TAB", scenario.slug, tab.id)
        nodes[tabs]["children"].append(node)
        parents = ["ROOT_ID", tabs, node]
        nodes[node] = {
            "id": node,
            "type": "TAB",
            "parents": ["ROOT_ID", tabs],
            "meta": {"text": tab.title, "defaultText": tab.title},
            "children": [
                _add_row(nodes, scenario, content, row, f"{tab.id}/{index}", parents)
                for index, row in enumerate(tab.rows)
            ],
        }
    return nodes


def _scope(scenario: Scenario, content: Dashboards, chosen: SelectFilter | TimeFilter) -> dict[str, Any]:
    """A filter leaves alone the charts whose data does not have its column."""
    excluded = []
    for tile in scenario.data_tiles:
        columns = content.columns(tile.mart)
        if isinstance(chosen, SelectFilter):
            narrowed = chosen.column in columns
        else:
            narrowed = bool(getattr(tile, "time", None) or getattr(tile, "grain", None))
        if not narrowed:
            excluded.append(chart_number(scenario, tile))
    return {"rootPath": ["ROOT_ID"], "excluded": excluded}


def _filter(
    scenario: Scenario, content: Dashboards, chosen: SelectFilter | TimeFilter, index: int
) -> dict[str, Any]:
    name = chosen.column if isinstance(chosen, SelectFilter) else "time"
    entry: dict[str, Any] = {
        "id": f"NATIVE_FILTER-{asset_uuid('filter', scenario.slug, name).hex[:12]}",
        "name": chosen.title,
        "type": "NATIVE_FILTER",
        "description": "",
        "cascadeParentIds": [],
        "scope": _scope(scenario, content, chosen),
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
    }
    if isinstance(chosen, SelectFilter):
        dataset = str(asset_uuid("dataset", chosen.mart))
        return entry | {
            "filterType": "filter_select",
            "targets": [{"datasetUuid": dataset, "column": {"name": chosen.column}}],
            "controlValues": {
                "enableEmptyFilter": False,
                "defaultToFirstItem": False,
                "multiSelect": chosen.multiple,
                "searchAllOptions": False,
                "inverseSelection": False,
            },
        }
    entry |= {"filterType": "filter_time", "targets": [{}], "controlValues": {"enableEmptyFilter": False}}
    if chosen.default != "No filter":
        entry["defaultDataMask"] = {
            "extraFormData": {"time_range": chosen.default},
            "filterState": {"value": chosen.default},
            "ownState": {},
        }
    return entry


def label_colours(scenario: Scenario, content: Dashboards) -> dict[str, str]:
    """A colour for every series name: what the spec says, else the series colours in their order."""
    palette = palette_of(scenario, content)
    named = content.tokens.labels | scenario.colours
    chosen = {label: colour(content.tokens, palette, token) for label, token in named.items()}
    # What stands beside another in one chart comes first: there the colours have to differ.
    drawn = [tile for tile in scenario.data_tiles if isinstance(tile, TrendLine | TrendBar)]
    for tile in sorted(drawn, key=lambda tile: -len(tile.metrics)):
        columns = content.columns(tile.mart).values()
        for index, name in enumerate(tile.metrics):
            label = content.metrics[name].label
            chosen.setdefault(label, palette.series[index % len(palette.series)])
            # Charts colour by the name behind a label: the metric's, or that of a column labelled the same.
            for behind in (name, *(column.name for column in columns if column.label == label)):
                chosen.setdefault(behind, chosen[label])
    return chosen


def empty_states(scenario: Scenario, content: Dashboards) -> str:
    """CSS that says, where a chart has no row, what would stand there; Superset says only that none is."""
    size = content.tokens.font_sizes["body"]
    rules = []
    for tile in scenario.data_tiles:
        if tile.empty:
            chart = f'[data-test-chart-name="{tile.title}"]'
            words = f"content: '{tile.empty}'; font-size: {size}px;"
            rules += [
                f'{chart} [aria-label="empty"] + div > p {{ font-size: 0; }}\n',
                f"{chart} .ant-empty-description::after {{ {words} }}\n",
            ]
    return "".join(rules)


def dashboard(scenario: Scenario, content: Dashboards, slug: str) -> dict[str, Any]:
    """One dashboard; `slug` is the scenario's, or that of its twin for walls."""
    colours = label_colours(scenario, content)
    return {
        "version": "1.0.0",
        "uuid": str(asset_uuid("dashboard", slug)),
        "dashboard_title": scenario.title,
        "description": scenario.summary,
        "slug": slug,
        "css": dashboard_css(content.tokens, scenario.theme)
        + empty_states(scenario, content)
        + map_legends(scenario, content),
        "published": True,
        "is_managed_externally": True,
        "position": position(scenario, content),
        "metadata": {
            "native_filter_configuration": [
                _filter(scenario, content, chosen, index) for index, chosen in enumerate(scenario.filters)
            ],
            "refresh_frequency": int(scenario.refresh.total_seconds()),
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
            "color_scheme": "supersetColors",
            "label_colors": colours,
            "shared_label_colors": [],
            "map_label_colors": {},
            "cross_filters_enabled": False,
            "filter_bar_orientation": "HORIZONTAL",
        },
    }
