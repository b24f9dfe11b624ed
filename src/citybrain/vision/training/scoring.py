"""What found boxes are worth against true ones: recall, precision and average precision at IoU 0.5."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citybrain.vision.boxes import Box, iou

SAME = 0.5


@dataclass
class Tally:
    """Over any number of pictures. `scored`: each found box's score and whether it was right."""

    true: int = 0
    scored: list[tuple[float, bool]] | None = None

    def add(self, truth: Sequence[Box], found: Sequence[Box], same_class: bool) -> None:
        """One picture. The surest box takes the true box it overlaps most; each true box is taken once."""
        self.scored = self.scored if self.scored is not None else []
        self.true += len(truth)
        free = list(truth)
        for box in sorted(found, key=lambda box: -box.score):
            fitting = [true for true in free if not same_class or true.class_code == box.class_code]
            best = max(fitting, key=lambda true: iou(true, box), default=None)
            right = best is not None and iou(best, box) >= SAME
            if right and best is not None:
                free.remove(best)
            self.scored.append((box.score, right))

    def at(self, least_score: float) -> tuple[float, float]:
        """Recall and precision of the boxes from `least_score` up; nan where nothing is to divide by."""
        taken = [right for score, right in self.scored or () if score >= least_score]
        right = sum(taken)
        return _share(right, self.true), _share(right, len(taken))

    def average_precision(self) -> float:
        """The area under the curve of precision over recall, precision made monotonous, as VOC does."""
        if not self.true:
            return float("nan")
        curve: list[tuple[float, float]] = []
        right = 0
        for number, (_, is_right) in enumerate(sorted(self.scored or (), key=lambda pair: -pair[0]), 1):
            right += is_right
            curve.append((right / self.true, right / number))
        area, reached, best = 0.0, curve[-1][0] if curve else 0.0, 0.0
        for recall, precision in reversed(curve):
            area += (reached - recall) * best
            reached, best = recall, max(best, precision)
        return area + reached * best


def merged(tallies: Iterable[Tally]) -> Tally:
    """One tally over the pictures of all of them."""
    parts = list(tallies)
    return Tally(sum(part.true for part in parts), [pair for part in parts for pair in part.scored or ()])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
