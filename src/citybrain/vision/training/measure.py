"""How well networks see: on photographs, whose numbers may be claimed, and on rendered yards, whose may not.

Every network is asked the same: vehicles of any kind count as found, whatever kind it took them for, since a
lane is blocked by any; the kinds are scored beside.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import structlog

from citybrain.vision.boxes import Box, iou
from citybrain.vision.eyes import Eyes
from citybrain.vision.pictures import Pixels, read_picture
from citybrain.vision.training.gather import labelled_boxes, photographs_of
from citybrain.vision.training.recipe import Recipe, check_photographs
from citybrain.vision.training.scoring import Tally
from citybrain.vision.training.yardstick import YardScene, yard_scenes
from citybrain.vision.zones import zone_of

log = structlog.get_logger()

OCCUPIED = {1: "occupied"}
EMPTY = {0: "empty"}
PLACE_OVERLAP = 0.3  # a parking place's label is not tight about the vehicle in it
LEAST_HEIGHT = 0.04  # of the frame: places further away are a few pixels high


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, on how many pictures, and the figures by name."""

    network: str
    imgsz: int
    measured_on: str
    kind: str  # photographs or rendered
    pictures: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Yards:
    """How many rendered scenes are drawn: empty yards, with parked vehicles only, with blocked lanes."""

    empty: int
    parked: int
    blocked: int
    processes: int = 2


def measure(
    networks: dict[str, Eyes],
    recipe: Recipe,
    photographs: Path,
    video: Path | None,
    yards: Yards,
    least_score: float,
) -> list[Result]:
    """Every network on every set below `photographs` that is there. `least_score`: what counts as seen."""
    results: list[Result] = []
    drawn = _draw_yards(yards)
    for name, eyes in networks.items():
        seer = _Seer(eyes, frozenset(recipe.classes), least_score)
        results += [
            Result(
                name,
                eyes.imgsz,
                what,
                kind,
                pictures,
                {key: round(value, 4) for key, value in figures.items()},
            )
            for what, kind, pictures, figures in _measured(seer, recipe, photographs, drawn)
        ]
    if video is not None:
        results += _on_video(networks, recipe, video, least_score)
    return results


def as_json(results: Sequence[Result]) -> list[dict[str, object]]:
    return [asdict(result) for result in results]


Line = tuple[str, str, int, dict[str, float]]
Drawn = dict[str, list[YardScene]]


@dataclass(frozen=True)
class _Seer:
    eyes: Eyes
    codes: frozenset[str]
    least_score: float

    def vehicles(self, image: Pixels) -> list[Box]:
        return [box for box in self.eyes.look(image) if box.class_code in self.codes]

    def sure(self, image: Pixels) -> list[Box]:
        return [box for box in self.vehicles(image) if box.score >= self.least_score]


def _measured(seer: _Seer, recipe: Recipe, photographs: Path, drawn: Drawn) -> Iterator[Line]:
    for chosen in recipe.photographs:
        for part in chosen.test:
            yield _on_photographs(seer, check_photographs(chosen, photographs), part, chosen.classes)
    if (photographs / "parking_lot_sweep").is_dir():
        yield _on_parking_lot(seer, photographs / "parking_lot_sweep")
    yield from _on_yards(seer, drawn)


def _on_photographs(seer: _Seer, folder: Path, part: str, classes: dict[int, str]) -> Line:
    of_any_kind, kinds = Tally(), {code: Tally() for code in sorted(set(classes.values()))}
    pictures = photographs_of(folder, part)
    began = time.perf_counter()
    for picture, label in pictures:
        truth = labelled_boxes(label, classes)
        found = seer.vehicles(read_picture(picture.read_bytes()).image)
        of_any_kind.add(truth, found, same_class=False)
        for code, tally in kinds.items():
            tally.add(
                [box for box in truth if box.class_code == code],
                [box for box in found if box.class_code == code],
                same_class=True,
            )
    recall, precision = of_any_kind.at(seer.least_score)
    figures = {"recall": recall, "precision": precision, "ap50": of_any_kind.average_precision()}
    if len(kinds) > 1:
        figures["map50_of_kinds"] = float(np.mean([tally.average_precision() for tally in kinds.values()]))
        figures |= {f"ap50_{code}": tally.average_precision() for code, tally in kinds.items()}
    figures["pictures_per_second"] = len(pictures) / (time.perf_counter() - began)
    return f"{folder.name} {part}", "photographs", len(pictures), figures


def _on_parking_lot(seer: _Seer, folder: Path) -> Line:
    """Occupied places in which a vehicle is seen, and empty ones in which one is seen that is not there."""
    occupied = seen = empty = mistaken = 0
    pictures = photographs_of(folder, "all")
    for picture, label in pictures:
        found = seer.sure(read_picture(picture.read_bytes()).image)
        taken = [box for box in labelled_boxes(label, OCCUPIED) if box.y2 - box.y1 >= LEAST_HEIGHT]
        free = [box for box in labelled_boxes(label, EMPTY) if box.y2 - box.y1 >= LEAST_HEIGHT]
        occupied += len(taken)
        seen += sum(any(iou(place, box) >= PLACE_OVERLAP for box in found) for place in taken)
        empty += len(free)
        mistaken += sum(any(iou(place, box) >= 0.5 for box in found) for place in free)
    figures = {"recall": seen / max(occupied, 1), "empty_places_mistaken": mistaken / max(empty, 1)}
    return f"{folder.name}", "photographs", len(pictures), figures


def _draw_yards(yards: Yards) -> Drawn:
    wanted = (
        ("empty yards", yards.empty, False, False),
        ("yards with parked vehicles, lane empty", yards.parked, False, True),
        ("yards with blocked lanes", yards.blocked, True, True),
    )
    return {
        title: list(yard_scenes(count, in_lane, in_bays, yards.processes))
        for title, count, in_lane, in_bays in wanted
        if count
    }


def _on_yards(seer: _Seer, drawn: Drawn) -> Iterator[Line]:
    for title, scenes in drawn.items():
        alarms = anywhere = standing = seen = 0
        tally = Tally()
        for scene in scenes:
            found = seer.sure(read_picture(scene.jpeg).image)
            tally.add(scene.truth, found, same_class=False)
            strange = [box for box in found if not any(iou(box, true) >= 0.3 for true in scene.truth)]
            anywhere += bool(strange)
            alarms += any(zone_of({"lane": scene.lane}, box) for box in strange)
            standing += len(scene.in_lane)
            seen += sum(any(iou(true, box) >= 0.5 for box in found) for true in scene.in_lane)
        figures = {
            "false_in_lane_per_1000_frames": 1000 * alarms / len(scenes),
            "false_anywhere_per_1000_frames": 1000 * anywhere / len(scenes),
        }
        if standing:
            figures["recall_in_lane"] = seen / standing
        if tally.true:
            figures["recall"], figures["precision"] = tally.at(seer.least_score)
        yield title, "rendered", len(scenes), figures


def _on_video(networks: dict[str, Eyes], recipe: Recipe, video: Path, least_score: float) -> list[Result]:
    """Nobody has labelled it: how far the networks agree with the first one is all that can be said."""
    frames = list(_frames(video))
    reference: list[list[Box]] | None = None
    results = []
    for name, eyes in networks.items():
        seer = _Seer(eyes, frozenset(recipe.classes), least_score)
        seen = [seer.sure(frame) for frame in frames]
        reference = seen if reference is None else reference
        tally = Tally()
        for expected, found in zip(reference, seen, strict=True):
            tally.add(expected, found, same_class=False)
        shared, agreed = tally.at(least_score)
        figures = {
            "vehicles_per_frame": sum(map(len, seen)) / len(frames),
            "share_of_the_firsts_found": shared,
            "share_the_first_found_too": agreed,
        }
        rounded = {key: round(value, 4) for key, value in figures.items()}
        results.append(Result(name, eyes.imgsz, video.name, "photographs", len(frames), rounded))
    return results


def _frames(video: Path, every_seconds: float = 1.0) -> Iterator[Pixels]:
    import cv2

    capture = cv2.VideoCapture(str(video))
    step = max(round((capture.get(cv2.CAP_PROP_FPS) or 25) * every_seconds), 1)
    number = 0
    while True:
        there, frame = capture.read()
        if not there:
            break
        if number % step == 0:
            yield np.asarray(frame, dtype=np.uint8)
        number += 1
    capture.release()
