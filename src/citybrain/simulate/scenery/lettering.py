"""The one typeface of the scenery, shipped beside this module so that every machine draws the same."""

from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

TYPEFACE = Path(__file__).with_name("lettering.otf")


@cache
def typeface(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(TYPEFACE), size)


@cache
def word(text: str, size: int) -> Image.Image:
    """`text` as a mask: 255 on the strokes, cut to its extent."""
    left, top, right, bottom = typeface(size).getbbox(text)
    mask = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, fill=255, font=typeface(size))
    return mask
