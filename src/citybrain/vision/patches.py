"""How a thing looked: a small grey patch of its box, kept to tell whether another took its place.

Patches are compared by normalised cross-correlation, which light alone does not change; a shift of a pixel or
two is allowed, since boxes jitter.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from citybrain.vision.boxes import Box
from citybrain.vision.pictures import Pixels

SIDE = 24
SHIFT = 2
FLAT = 1e-3  # variance below which a patch shows nothing


def patch_in(image: Pixels) -> Callable[[Box], bytes | None]:
    """Cuts patches of boxes out of a BGR picture: SIDE x SIDE grey values; None for a box without pixels."""
    height, width = image.shape[:2]

    def patch(box: Box) -> bytes | None:
        x1, y1, x2, y2 = box.pixels(width, height)
        if x2 - x1 < 2 or y2 - y1 < 2:
            return None
        part = Image.fromarray(np.ascontiguousarray(image[y1:y2, x1:x2, ::-1])).convert("L")
        return part.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()

    return patch


def likeness(one: bytes, other: bytes) -> float:
    """The best correlation of two patches within SHIFT pixels, -1 to 1; 0 when one of them shows nothing."""
    first, second = _values(one), _values(other)
    middle = first[SHIFT : SIDE - SHIFT, SHIFT : SIDE - SHIFT]
    side = SIDE - 2 * SHIFT
    return max(
        _correlation(middle, second[row : row + side, column : column + side])
        for row in range(2 * SHIFT + 1)
        for column in range(2 * SHIFT + 1)
    )


def _values(patch: bytes) -> NDArray[np.float64]:
    return np.frombuffer(patch, np.uint8).reshape(SIDE, SIDE).astype(np.float64)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a * a).mean() * (b * b).mean()))
    return float((a * b).mean()) / size if size > FLAT else 0.0
