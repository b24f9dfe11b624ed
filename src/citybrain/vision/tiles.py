"""Looking at a wide view in tiles, so that what is small in the whole is large enough in its part."""

from collections.abc import Callable, Iterator

import numpy as np

from citybrain.vision.boxes import Box, iou
from citybrain.vision.pictures import Pixels

SAME_THING = 0.6  # IoU from which boxes of two tiles are one thing
MOSTLY_INSIDE = 0.7  # of a box that lies in a surer one of its class: a thing that a tile's edge has cut

Look = Callable[[Pixels], list[Box]]


def look_in_tiles(look: Look, image: Pixels, columns: int, rows: int, overlap: float) -> list[Box]:
    """What `look` sees in the whole picture (height x width x 3) and in `columns` x `rows` tiles of it, each
    wider and higher by `overlap` of its size; the surest first, each thing once. One tile is the picture.
    """
    if columns == rows == 1:
        return look(image)
    seen = list(look(image))
    for x1, y1, x2, y2 in windows(columns, rows, overlap):
        height, width = image.shape[:2]
        part = image[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)]
        seen += [_in_whole(box, x1, y1, x2, y2) for box in look(np.ascontiguousarray(part))]
    return _once(seen)


def windows(columns: int, rows: int, overlap: float) -> Iterator[tuple[float, float, float, float]]:
    """x1, y1, x2, y2 of each tile as fractions of the picture, row by row."""
    for row in range(rows):
        for column in range(columns):
            yield (
                max((column - overlap / 2) / columns, 0.0),
                max((row - overlap / 2) / rows, 0.0),
                min((column + 1 + overlap / 2) / columns, 1.0),
                min((row + 1 + overlap / 2) / rows, 1.0),
            )


def _in_whole(box: Box, x1: float, y1: float, x2: float, y2: float) -> Box:
    across, down = x2 - x1, y2 - y1
    return Box(
        box.class_code,
        x1 + box.x1 * across,
        y1 + box.y1 * down,
        x1 + box.x2 * across,
        y1 + box.y2 * down,
        box.score,
    )


def _once(boxes: list[Box]) -> list[Box]:
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if not any(_is_part(box, surer) for surer in kept):
            kept.append(box)
    return kept


def _is_part(box: Box, surer: Box) -> bool:
    if iou(box, surer) >= SAME_THING:
        return True
    width = min(box.x2, surer.x2) - max(box.x1, surer.x1)
    height = min(box.y2, surer.y2) - max(box.y1, surer.y1)
    if box.class_code != surer.class_code or width <= 0 or height <= 0 or box.area <= 0:
        return False
    return width * height / box.area >= MOSTLY_INSIDE
