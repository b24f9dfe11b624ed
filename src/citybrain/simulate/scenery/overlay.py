"""What the camera writes into its frame: its name, the time, and that the picture is rendered."""

from datetime import datetime

from PIL import Image, ImageDraw

from citybrain.simulate.scenery.camera import HEIGHT, WIDTH
from citybrain.simulate.scenery.lettering import typeface

MARK = "合成画面"
MARGIN = 14


def write_overlay(picture: Image.Image, name: str, at: datetime) -> None:
    """Draw onto a frame, in place."""
    draw = ImageDraw.Draw(picture)
    font = typeface(22)
    _outlined(draw, (MARGIN, MARGIN), f"{at:%Y-%m-%d %H:%M:%S}", font)
    wide = draw.textlength(MARK, font=font)
    _outlined(draw, (WIDTH - MARGIN - int(wide), MARGIN), MARK, font)
    wide = draw.textlength(name, font=font)
    _outlined(draw, (WIDTH - MARGIN - int(wide), HEIGHT - MARGIN - 26), name, font)


def _outlined(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, font: object) -> None:
    draw.text(at, text, fill=(240, 240, 240), font=font, stroke_width=1, stroke_fill=(30, 30, 30))  # type: ignore[arg-type]
