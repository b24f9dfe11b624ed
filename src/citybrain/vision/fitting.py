"""A picture as a network of one shape sees it: scaled to fit, the rest grey."""

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.pictures import Pixels

STRIDE = 32
GREY = 114  # what fills a picture up to the network's shape, as in training

Shape = tuple[int, int]
"""Height and width in pixels, multiples of STRIDE."""


def shape_of(height: int, width: int, imgsz: int) -> Shape:
    """The network's height and width for a picture: its longer side `imgsz`, both multiples of STRIDE."""
    scale = imgsz / max(height, width)
    return tuple(  # type: ignore[return-value]
        max(-(-round(side * scale) // STRIDE) * STRIDE, STRIDE) for side in (height, width)
    )


def letterbox(image: Pixels, shape: Shape) -> tuple[Pixels, float]:
    """The picture within `shape`, the rest grey, and by what it was scaled."""
    import cv2

    height, width = image.shape[:2]
    scale = min(shape[0] / height, shape[1] / width)
    inner = round(width * scale), round(height * scale)
    resized = image if inner == (width, height) else cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    if (inner[1], inner[0]) == shape:
        return np.ascontiguousarray(resized), scale
    whole = np.full((*shape, 3), GREY, np.uint8)
    top, left = (shape[0] - inner[1]) // 2, (shape[1] - inner[0]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = resized
    return whole, scale


def planes(fitted: Pixels) -> NDArray[np.float32]:
    """A fitted picture as a network takes it that prepares nothing itself: 1 x 3 x height x width, RGB, from
    0 to 1.
    """
    rgb = np.ascontiguousarray(fitted[:, :, ::-1].transpose(2, 0, 1), dtype=np.float32)
    return rgb[None] / np.float32(255)
