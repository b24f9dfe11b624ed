"""The desk's style variables, written from the one set of tokens (`dashboards/theme/tokens.yml`)."""

from citybrain.bi.semantics import Palette, Tokens

_COLOURS = ("surface", "raised", "line", "text", "quiet", "brand", "good", "watch", "late", "alarm")


def css_variables(tokens: Tokens) -> str:
    """The text of `static/desk/tokens.css`: light by default, dark where the page asks for it."""
    sizes = "".join(f"  --size-{name}: {pixels}px;\n" for name, pixels in tokens.font_sizes.items())
    return (
        "/* Written by `citybrain desk tokens`; change dashboards/theme/tokens.yml instead. */\n"
        f":root {{\n{_colours(tokens.light)}"
        f"  --font: {tokens.font_family};\n{sizes}"
        f"  --radius: {tokens.radius}px;\n  --space: {tokens.space}px;\n}}\n"
        f':root[data-appearance="dark"] {{\n{_colours(tokens.dark)}}}\n'
    )


def _colours(palette: Palette) -> str:
    named = "".join(f"  --{name}: {getattr(palette, name)};\n" for name in _COLOURS)
    series = "".join(f"  --series-{n}: {colour};\n" for n, colour in enumerate(palette.series, start=1))
    return named + series
