"""The legend of a map: words beside colours, laid over the chart by the dashboard's CSS.

Superset's own legend of a map knows the numbers of its steps only. This one is a small drawing: a swatch and
the band's name, with the limit where it is a number that people read.
"""

from urllib.parse import quote
from xml.sax.saxutils import escape

from citybrain.bi.checks import Dashboards
from citybrain.bi.semantics import Band, Metric
from citybrain.bi.spec import MapTile, Scenario
from citybrain.bi.theme import colour

LINE, PAD, SWATCH = 20, 8, 12
WIDE, NARROW = 13, 7.5  # pixels of a Chinese and of another character of 12 pixels


def _number(value: float, metric: Metric) -> str:
    return f"{value * 100:g}%" if metric.format.endswith("%") else f"{value:,g}"


def legend_words(bands: list[Band], metric: Metric, named: bool) -> list[str]:
    """One line for each band: its name, and up to where it reaches; the last one, from where."""
    if named:
        return [band.label for band in bands]
    words = [f"{band.label} ≤{_number(band.upto, metric)}" for band in bands[:-1]]
    return [*words, f"{bands[-1].label} >{_number(bands[-2].upto, metric)}"]


def _width(text: str) -> float:
    return sum(WIDE if ord(character) > 0x2E80 else NARROW for character in text)


def legend_svg(tile: MapTile, scenario: Scenario, content: Dashboards) -> tuple[str, int, int]:
    """The drawing, its width and height in pixels."""
    view, tokens = content.maps.maps[tile.mart], content.tokens
    palette = tokens.dark if scenario.theme == "dark" else tokens.light
    words = legend_words(view.bands, content.metrics[tile.metric], view.named)
    width = int(2 * PAD + SWATCH + 6 + max(_width(text) for text in words))
    height = 2 * PAD + LINE * len(words)
    lines = []
    for index, (band, text) in enumerate(zip(view.bands, words, strict=True)):
        top = PAD + LINE * index
        fill = colour(tokens, palette, band.colour)
        lines.append(
            f'<rect x="{PAD}" y="{top + 4}" width="{SWATCH}" height="{SWATCH}" rx="2" fill="{fill}"/>'
            f'<text x="{PAD + SWATCH + 6}" y="{top + 14}">{escape(text)}</text>'
        )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="12" '
        f'font-family="{escape(tokens.font_family)}" fill="{palette.text}">'
        f'<rect width="{width}" height="{height}" rx="{tokens.radius}" fill="{palette.raised}" '
        f'fill-opacity="0.85"/>{"".join(lines)}</svg>'
    )
    return drawing, width, height


def map_legends(scenario: Scenario, content: Dashboards) -> str:
    """CSS for every map of a dashboard."""
    rules = []
    for tile in scenario.data_tiles:
        if isinstance(tile, MapTile) and content.maps.maps[tile.mart].bands:
            drawing, width, height = legend_svg(tile, scenario, content)
            chart = f'[data-test-chart-name="{tile.title}"]'
            rules.append(
                f"{chart} {{ position: relative; }}\n"
                f"{chart}::after {{ content: ''; position: absolute; left: 16px; bottom: 16px; z-index: 2; "
                f"width: {width}px; height: {height}px; pointer-events: none; "
                f'background: url("data:image/svg+xml,{quote(drawing, safe="")}") no-repeat; }}\n'
            )
    return "".join(rules)
