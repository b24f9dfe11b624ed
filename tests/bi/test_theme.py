"""The tokens: readable, complete, and the same on every surface."""

import pytest

from citybrain.bi.checks import Dashboards
from citybrain.bi.semantics import Palette
from citybrain.bi.theme import colour, superset_theme

READABLE = 4.5  # WCAG 2.2 AA, text of normal size
SEEN = 3.0  # AA for graphics


def luminance(hex_colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(hex_colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_text_and_status_are_readable(content: Dashboards, appearance: str) -> None:
    palette: Palette = getattr(content.tokens, appearance)
    for ground in (palette.surface, palette.raised):
        assert contrast(palette.text, ground) >= READABLE
        assert contrast(palette.quiet, ground) >= READABLE
        for mark in (
            palette.brand,
            palette.good,
            palette.watch,
            palette.late,
            palette.alarm,
            *palette.series,
        ):
            assert contrast(mark, ground) >= SEEN, mark


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_themes_carry_the_tokens(content: Dashboards, appearance: str) -> None:
    palette: Palette = getattr(content.tokens, appearance)
    theme = superset_theme(content.tokens, appearance)
    assert theme["token"]["colorPrimary"] == palette.brand == palette.series[0]
    assert theme["token"]["fontUrls"] == []
    assert theme["echartsOptionsOverrides"]["color"] == palette.series


def test_a_colour_is_found_by_its_token(content: Dashboards) -> None:
    tokens = content.tokens
    assert colour(tokens, tokens.light, "series.2") == tokens.light.series[1]
    assert colour(tokens, tokens.dark, "alarm") == tokens.dark.alarm
    assert colour(tokens, tokens.light, "aqi.good") == tokens.scales["aqi"]["good"]
    for name in ("series.7", "series.0", "nothing", "aqi.nothing", "font_family"):
        with pytest.raises(KeyError):
            colour(tokens, tokens.light, name)
