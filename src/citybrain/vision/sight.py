"""The network as the patrol sees it: one function from pixels to boxes, and a second look at a finding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from citybrain.vision.boxes import Box, iou
from citybrain.vision.detector_file import Detector
from citybrain.vision.pictures import Pixels

SAME_IN_MIRROR = 0.5  # IoU from which a box of the mirrored picture is the box of the picture

Corners = Sequence[Sequence[float]]
Draw = Callable[[Pixels, Sequence[Box], Corners, Mapping[str, str], Mapping[str, str], Sequence[Box]], bytes]
"""A JPEG for people: pixels with faces and plates covered, boxes, a zone's outline, captions by their labels,
titles by class; last, all that the network saw, whose persons and vehicles are covered too.
"""


@dataclass(frozen=True)
class Sight:
    """A network that is loaded. `weights` is its name, `sha256` its file's, `device` what it runs on."""

    look: Callable[[Pixels], list[Box]]
    weights: str
    sha256: str
    device: str

    @property
    def model(self) -> str:
        return f"{self.weights}@{self.sha256[:12]}"


@dataclass(frozen=True)
class Tools:
    """What looking needs besides the database: the network of a detector, and who draws evidence."""

    sight_of: Callable[[Detector], Sight]
    draw: Draw


def second_look(sight: Sight, detector: Detector, image: Pixels) -> Callable[[Box], float | None]:
    """Looks at the mirrored picture, once, when it is first asked: the score of the same thing there.

    A network that took a shadow for a car seldom does so from the other side, too.
    """
    if not detector.second_look:
        return lambda box: box.score
    mirrored: list[Box] = []
    looked = False

    def score(box: Box) -> float | None:
        nonlocal looked
        if not looked:
            seen = sight.look(np.ascontiguousarray(image[:, ::-1]))
            mirrored.extend(detector.kept([_mirror(found) for found in seen]))
            looked = True
        same = [found.score for found in mirrored if iou(found, box) >= SAME_IN_MIRROR]
        return max(same, default=None)

    return score


def _mirror(box: Box) -> Box:
    return Box(box.class_code, 1 - box.x2, box.y1, 1 - box.x1, box.y2, box.score)
