"""From what a network tells of every place it looked at to the things in the picture, each once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.eyes import LOWEST_SCORE, SAME_THING
from citybrain.vision.fitting import Shape

MOST_BOXES = 300


def found_in(
    output: NDArray[np.float32], size: tuple[int, int], scale: float, shape: Shape
) -> Iterator[tuple[int, float, float, float, float, float]]:
    """Class number, x1, y1, x2, y2 (fractions of a picture of `size`, height and width) and score of each
    thing in the output of a network of `shape` (1, 4 + classes, candidates: middle and size in pixels), the
    surest first.
    """
    import cv2

    table = output[0]
    scores = table[4:].max(axis=0)
    sure = scores >= LOWEST_SCORE
    if not sure.any():
        return
    table, scores = table[:, sure], scores[sure]
    numbers = table[4:].argmax(axis=0)
    x, y, across, down = table[:4]
    height, width = size
    left, top = (shape[1] - round(width * scale)) // 2, (shape[0] - round(height * scale)) // 2
    corners = np.stack([x - across / 2 - left, y - down / 2 - top, across, down], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), LOWEST_SCORE, SAME_THING)
    for place in np.asarray(kept, dtype=int).ravel()[:MOST_BOXES]:
        x1, y1, wide, high = corners[place] / scale
        yield (
            int(numbers[place]),
            max(float(x1 / width), 0.0),
            max(float(y1 / height), 0.0),
            min(float((x1 + wide) / width), 1.0),
            min(float((y1 + high) / height), 1.0),
            float(scores[place]),
        )
