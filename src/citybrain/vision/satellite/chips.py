"""A patch before and after, as people see it: near infrared as red, so that what is green stands out."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from citybrain.vision.satellite.composite import CLEAR, SCALE

BRIGHTEST = 0.6  # reflectance that is shown white
UNSEEN = (70, 74, 82)
OUTLINE = (255, 224, 64)
QUALITY = 88


def chip(
    bands: Sequence[NDArray[np.uint16]], window: tuple[slice, slice], side: int
) -> tuple[bytes, tuple[int, int]]:
    """A JPEG whose longer side has `side` pixels, and its size: the newest scene (the last) that is clear at
    a pixel shows it; `window` (rows, columns) is framed. Cloud and gaps are grey.
    """
    height, width = bands[0].shape[1:]
    picture = np.full((height, width, 3), UNSEEN, np.uint8)
    for red, infrared, mask in bands:
        light = np.stack([infrared, red, red], axis=-1).astype(np.float32) / SCALE / BRIGHTEST
        clear = mask == CLEAR
        picture[clear] = np.clip(light[clear] * 255, 0, 255).astype(np.uint8)
    scale = side / max(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    image = Image.fromarray(picture).resize(size, Image.Resampling.NEAREST)
    rows, columns = window
    corners = (columns.start * scale, rows.start * scale, columns.stop * scale, rows.stop * scale)
    ImageDraw.Draw(image).rectangle([round(corner) for corner in corners], outline=OUTLINE, width=2)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY)
    return content.getvalue(), size
