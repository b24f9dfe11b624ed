"""The picture a case shows: what the camera saw and what the network found in it; nobody is recognisable.

Drawn with Pillow; the covering before it needs the vision environment.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from citybrain.vision.boxes import Box
from citybrain.vision.pictures import Pixels

ZONE_COLOUR = (255, 196, 0)
BOX_COLOUR = (232, 64, 48)
STRIP_COLOUR = (24, 32, 44)
TEXT_COLOUR = (240, 244, 250)
QUALITY = 88
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSerifCJK-Regular.ttc", "wqy-zenhei.ttc")

Polygon = Sequence[Sequence[float]]


def evidence_frame(
    image: Pixels,
    boxes: Sequence[Box],
    zone: Polygon,
    captions: Mapping[str, str],
    titles: Mapping[str, str] | None = None,
    seen: Sequence[Box] = (),
) -> bytes:
    """A JPEG: the BGR picture with faces and plates covered, the zone's outline ([x, y] fractions), the boxes
    under their titles (by class code, else the code) and scores; and below it a strip with a line a caption.
    Of what is `seen` besides, persons and vehicles are covered like those of `boxes`, and not drawn.

    Where no Chinese font is installed, captions lose what ASCII does not have. Raises VisionEnvironmentError.
    """
    from citybrain.vision.privacy import cover

    frame = Image.fromarray(cover(image, [*boxes, *seen])[:, :, ::-1])
    size = max(round(frame.height / 32), 12)
    draw = ImageDraw.Draw(frame)
    stroke = max(round(frame.height / 270), 2)
    corners = [(x * frame.width, y * frame.height) for x, y in zone]
    if len(corners) > 2:
        draw.line([*corners, corners[0]], fill=ZONE_COLOUR, width=stroke, joint="curve")
    for box in boxes:
        _draw_box(draw, box, (titles or {}).get(box.class_code, box.class_code), frame.size, stroke, size)
    stream = io.BytesIO()
    _with_captions(frame, captions, size).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _draw_box(
    draw: ImageDraw.ImageDraw, box: Box, title: str, picture: tuple[int, int], stroke: int, size: int
) -> None:
    x1, y1, x2, y2 = box.pixels(*picture)
    draw.rectangle((x1, y1, max(x2, x1), max(y2, y1)), outline=BOX_COLOUR, width=stroke)
    text = f"{printable(title) or box.class_code} {box.score:.2f}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=_font(size))
    y = max(y1 - (bottom - top) - 6, 0)
    draw.rectangle((x1, y, x1 + right - left + 8, y + bottom - top + 6), fill=BOX_COLOUR)
    draw.text((x1 + 4 - left, y + 3 - top), text, fill=TEXT_COLOUR, font=_font(size))


def _with_captions(frame: Image.Image, captions: Mapping[str, str], size: int) -> Image.Image:
    lines = [line for label, text in captions.items() if (line := printable(f"{label} {text}"))]
    if not lines:
        return frame
    step = round(size * 1.4)
    whole = Image.new("RGB", (frame.width, frame.height + step * len(lines) + size), STRIP_COLOUR)
    whole.paste(frame, (0, 0))
    draw = ImageDraw.Draw(whole)
    for number, line in enumerate(lines):
        draw.text((size, frame.height + size // 2 + number * step), line, fill=TEXT_COLOUR, font=_font(size))
    return whole


def printable(text: str) -> str:
    """The text as the font at hand can write it."""
    return text if _chinese_font() else text.encode("ascii", "ignore").decode("ascii").strip()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    name = _chinese_font()
    return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)


@cache
def _chinese_font() -> str:
    """A font file name that Pillow finds among the system's fonts, "" when there is none."""
    for name in FONTS:
        try:
            ImageFont.truetype(name, 12)
        except OSError:
            continue
        return name
    return ""
