"""From the bytes a camera or a phone sent to pixels, without trusting them; and whether a camera still sees.

The header is read before anything is decoded: a few kilobytes can claim gigabytes of pixels.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Pixels = NDArray[np.uint8]

MOST_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
COMPARED_WIDTH = 640  # sharpness is measured at one size, whatever the camera's

OVERLAY = 4  # per cent of a picture that the time and the camera's name may take, written into every frame
BLACK_BELOW = 40  # when all but the brightest OVERLAY per cent is darker, nothing is seen
WHITE_ABOVE = 225  # when all but the darkest OVERLAY per cent is brighter, nothing is seen
SHARP_FROM = 12.0  # variance of the Laplacian at COMPARED_WIDTH, in the tile that a quarter of TILES exceed
TILES = (6, 8)  # rows and columns: writing over a covered lens is sharp, but only in a few of them

Reason = Literal["not_a_picture", "truncated", "too_large"]
Condition = Literal["", "black", "white", "blurred"]


class UnusablePictureError(ValueError):
    """Bytes that are no picture this room reads; `reason` is a code, the message says more."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Picture:
    """Decoded pixels: `image` is height x width x 3, BGR, and stands upright."""

    image: Pixels
    width: int
    height: int


def read_picture(content: bytes, at_least: int | None = None) -> Picture:
    """`at_least` lets a JPEG be read at a half, a quarter … of its size, as long as its longer side keeps so
    many pixels: that takes less than half the time. `width` and `height` are those of `image`.

    Raises UnusablePictureError: not_a_picture, truncated, too_large (above MOST_PIXELS).
    """
    picture = _open(content)
    if picture.width * picture.height > MOST_PIXELS:
        raise UnusablePictureError("too_large", f"{picture.width} x {picture.height} pixels are too many")
    if at_least is not None:
        part = at_least / max(picture.size)
        picture.draft("RGB", (round(picture.width * part), round(picture.height * part)))
    try:
        # A phone stores the picture as the sensor lay and says in EXIF how to turn it.
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise UnusablePictureError("truncated", f"the picture breaks off: {error}") from error
    image = np.ascontiguousarray(np.asarray(upright, dtype=np.uint8)[:, :, ::-1])
    return Picture(image, upright.width, upright.height)


def _open(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Between Pillow's own two limits it only warns; MOST_PIXELS decides here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UnusablePictureError("too_large", str(error)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise UnusablePictureError("not_a_picture", f"no JPEG, PNG, WebP or BMP: {error}") from error


def condition(picture: Picture) -> Condition:
    """What is wrong with the camera that took it, "" when it sees."""
    grey = _grey(picture)
    darkest, brightest = np.percentile(grey, (OVERLAY, 100 - OVERLAY))
    if brightest < BLACK_BELOW:
        return "black"
    if darkest > WHITE_ABOVE:
        return "white"
    return "blurred" if sharpness(grey) < SHARP_FROM else ""


def sharpness(grey: NDArray[np.float32]) -> float:
    """The variance of the Laplacian of a grey picture, low where there are no edges: of its tiles' variances
    the one that a quarter exceed.
    """
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    rows, columns = TILES
    variances = [
        float(tile.var())
        for band in np.array_split(laplacian, rows, axis=0)
        for tile in np.array_split(band, columns, axis=1)
        if tile.size
    ]
    return float(np.percentile(variances, 75)) if variances else 0.0


def _grey(picture: Picture) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(picture.image[:, :, ::-1])).convert("L")
    if image.width > COMPARED_WIDTH:
        height = max(round(image.height * COMPARED_WIDTH / image.width), 1)
        image = image.resize((COMPARED_WIDTH, height), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32)
