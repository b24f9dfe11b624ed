"""The desk's style variables and icons, made from the one set of tokens (`dashboards/theme/tokens.yml`)."""

import io

from PIL import Image, ImageDraw

from citybrain.bi.semantics import Palette, Tokens

ICON_SIDES = (192, 512)  # pixels, what home screens ask for
# The bars of static/desk/icon.svg: x, y, width, height on a field of 32. They lie within the middle 80 %,
# which every shape of a home screen leaves whole.
_BARS = ((7, 13, 4, 11), (14, 7, 4, 17), (21, 16, 4, 8))

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


def icon(tokens: Tokens, side: int) -> bytes:
    """A PNG of `side` pixels, a multiple of 32: the bars on the brand's colour, which fills the square."""
    unit = side // 32
    picture = Image.new("RGB", (side, side), tokens.light.brand)
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in _BARS:
        far = ((x + width) * unit - 1, (y + height) * unit - 1)
        draw.rectangle((x * unit, y * unit, *far), fill=tokens.light.raised)
    content = io.BytesIO()
    picture.quantize(8).save(content, "PNG", optimize=True)
    return content.getvalue()


def _colours(palette: Palette) -> str:
    named = "".join(f"  --{name}: {getattr(palette, name)};\n" for name in _COLOURS)
    series = "".join(f"  --series-{n}: {colour};\n" for n, colour in enumerate(palette.series, start=1))
    return named + series
