"""The tokens compiled to Superset themes, light and dark."""

import json
from typing import Any, Literal

from citybrain.bi.semantics import Palette, Tokens

Appearance = Literal["light", "dark"]


def theme_name(appearance: Appearance) -> str:
    return f"citybrain-{appearance}"


def colour(tokens: Tokens, palette: Palette, name: str) -> str:
    """The colour behind a token: `brand`, `series.2` (from 1) or `<scale>.<step>`. Raises KeyError."""
    head, _, tail = name.partition(".")
    if not tail:
        if head not in Palette.model_fields or head == "series":
            raise KeyError(name)
        return str(getattr(palette, head))
    if head == "series":
        if not tail.isdigit() or not 1 <= int(tail) <= len(palette.series):
            raise KeyError(name)
        return palette.series[int(tail) - 1]
    return tokens.scales[head][tail]


def superset_theme(tokens: Tokens, appearance: Appearance) -> dict[str, Any]:
    """One Superset theme. A dashboard theme overrides only what it names; the rest stays the instance's."""
    palette = tokens.dark if appearance == "dark" else tokens.light
    sizes = tokens.font_sizes
    axis: dict[str, Any] = {
        "axisLine": {"lineStyle": {"color": palette.line}},
        "axisTick": {"show": False},
        # What is dark hangs on walls and is read from a distance.
        "axisLabel": {"color": palette.quiet, "fontSize": sizes["body" if appearance == "dark" else "note"]},
        "splitLine": {"lineStyle": {"color": palette.line, "type": "dashed"}},
    }
    apart = axis | {"axisLabel": {**axis["axisLabel"], "hideOverlap": True}}
    return {
        "algorithm": "dark" if appearance == "dark" else "default",
        "token": {
            "colorPrimary": palette.brand,
            "colorLink": palette.brand,
            "colorSuccess": palette.good,
            "colorWarning": palette.watch,
            "colorError": palette.alarm,
            "colorInfo": palette.brand,
            "colorBgLayout": palette.surface,
            "colorBgBase": palette.raised,
            "colorBgContainer": palette.raised,
            "colorBgElevated": palette.raised,
            "colorTextBase": palette.text,
            "colorText": palette.text,
            "colorTextSecondary": palette.quiet,
            "colorBorder": palette.line,
            "colorBorderSecondary": palette.line,
            "colorSplit": palette.line,
            "fontFamily": tokens.font_family,
            "fontSize": sizes["body"],
            "borderRadius": tokens.radius,
            "fontUrls": [],
        },
        "echartsOptionsOverrides": {
            "textStyle": {"fontFamily": tokens.font_family, "color": palette.text},
            "color": palette.series,
        },
        "echartsOptionsOverridesByChartType": {
            # Buttons that choose all or none would take the room of a legend's last names.
            chart: {"xAxis": apart, "yAxis": axis, "legend": {"selector": False}}
            for chart in ("echarts_timeseries_line", "echarts_timeseries_bar")
        }
        | {"pie": {"legend": {"selector": False}}},
    }


def theme_json(tokens: Tokens, appearance: Appearance) -> str:
    """The theme as Superset stores it: one stable line of JSON."""
    return json.dumps(superset_theme(tokens, appearance), ensure_ascii=False, sort_keys=True)


def _read_from_afar(tokens: Tokens) -> str:
    """Larger figures and words; the walls' page enlarges them once more, to what is read from six metres."""
    sizes = tokens.font_sizes
    return f"""\
.superset-legacy-chart-big-number .header-line {{ font-size: {sizes["wall"] - 4}px !important; }}
.superset-legacy-chart-big-number .subtitle-line {{ font-size: {sizes["body"]}px !important; }}
.dashboard-component-chart-holder table td, .dashboard-component-chart-holder table th {{
  font-size: {sizes["lead"]}px;
}}
"""


def dashboard_css(tokens: Tokens, appearance: Appearance) -> str:
    """What themes cannot say: card borders, quiet titles, table figures of equal width."""
    palette = tokens.dark if appearance == "dark" else tokens.light
    sizes = tokens.font_sizes
    afar = _read_from_afar(tokens) if appearance == "dark" else ""
    return f"""\
{afar}\
.dashboard-content {{ background: {palette.surface}; }}
.dashboard-component-chart-holder {{
  background: {palette.raised}; border: 1px solid {palette.line};
  border-radius: {tokens.radius}px; box-shadow: none;
}}
.header-title, .header-title .editable-title a, .header-title .editable-title span {{
  font-size: {sizes["lead" if appearance == "dark" else "body"]}px; font-weight: 600; color: {palette.text};
}}
.dashboard-component-chart-holder .dashboard-component-markdown, .dashboard-markdown {{
  font-size: {sizes["note"]}px; color: {palette.quiet};
}}
table td, .superset-legacy-chart-big-number .header-line {{ font-variant-numeric: tabular-nums; }}
/* A list of the first rows is meant to end: the sign that it does would stand beside every one of them. */
[data-test="slice-header"] .anticon-warning {{ display: none; }}
table td a {{ white-space: nowrap; }}
td.dt-is-null {{ font-size: 0; }}
td.dt-is-null::after {{ content: "—"; font-size: {sizes["body"]}px; color: {palette.quiet}; }}
.superset-legacy-chart-big-number .header-line {{ color: {palette.text}; font-weight: 600; }}
.superset-legacy-chart-big-number .subheader-line, .superset-legacy-chart-big-number .subtitle-line {{
  color: {palette.quiet}; font-weight: 400;
}}
"""
