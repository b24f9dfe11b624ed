"""How well networks see: on photographs, whose numbers may be claimed, and on rendered yards, whose may not.

Every network is asked the same: things of any kind count as found, whatever kind it took them for, since a
lane is blocked by any vehicle; the kinds are scored beside. A set without a class of the recipe, and a yard
without a thing of them, are scenes with nothing to find: what is seen there is a false alarm.
"""

import math
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
from citybrain.vision.training.scoring import Tally, merged
from citybrain.vision.training.validation import mean_average_precision
from citybrain.vision.training.yardstick import YardScene, yard_scenes
from citybrain.vision.zones import zone_of

log = structlog.get_logger()

ALARMS = "false_anywhere_per_1000_frames"
OCCUPIED = {1: "occupied"}
EMPTY = {0: "empty"}
VEHICLE = "car"
SURELY_NONE = 0.1  # a picture is without things of the recipe when the referee sees none from this score up
RESAMPLES = 200  # of the pictures, for the interval of a figure
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
class Referee:
    """A better network that says which photographs of `folder` (split `part`) show nothing of the recipe.
    Nobody has labelled them for it: what the referee overlooks counts as a false alarm of the measured ones.
    """

    eyes: Eyes
    folder: Path
    part: str


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
    referee: Referee | None = None,
) -> list[Result]:
    """Every network on every set below `photographs` that is there. `least_score`: what counts as seen."""
    results: list[Result] = []
    drawn = _draw_yards(yards)
    nothing = _with_nothing(referee, recipe) if referee else []
    for name, eyes in networks.items():
        seer = _Seer(eyes, recipe, least_score)
        results += [
            Result(
                name,
                eyes.imgsz,
                what,
                kind,
                pictures,
                _rounded(figures),
            )
            for what, kind, pictures, figures in _measured(seer, recipe, photographs, drawn)
        ]
        if referee and nothing:
            told = (
                f"{referee.folder.name} {referee.part} without a thing that {referee.eyes.weights.name} sees"
            )
            figures = _rounded({ALARMS: _alarms(seer, nothing)})
            results.append(Result(name, eyes.imgsz, told, "photographs", len(nothing), figures))
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
    recipe: Recipe
    least_score: float

    @property
    def codes(self) -> tuple[str, ...]:
        return self.recipe.classes

    def things(self, image: Pixels) -> list[Box]:
        return [box for box in self.eyes.look(image) if box.class_code in self.codes]

    def sure(self, image: Pixels) -> list[Box]:
        return [box for box in self.things(image) if box.score >= self.least_score]


def _measured(seer: _Seer, recipe: Recipe, photographs: Path, drawn: Drawn) -> Iterator[Line]:
    for chosen in recipe.photographs:
        for part in chosen.test:
            yield _on_photographs(seer, check_photographs(chosen, photographs), part, chosen.classes)
    if VEHICLE in recipe.classes and (photographs / "parking_lot_sweep").is_dir():
        yield _on_parking_lot(seer, photographs / "parking_lot_sweep")
    yield from _on_yards(seer, drawn)


def _on_photographs(seer: _Seer, folder: Path, part: str, classes: dict[int, str]) -> Line:
    pictures, what = photographs_of(folder, part), f"{folder.name} {part}"
    began = time.perf_counter()
    if not classes:
        alarms = _alarms(seer, [picture for picture, _ in pictures])
        speed = len(pictures) / (time.perf_counter() - began)
        return what, "photographs", len(pictures), {"pictures_per_second": speed, ALARMS: alarms}
    looked = [
        (labelled_boxes(label, classes), seer.things(read_picture(picture.read_bytes()).image))
        for picture, label in pictures
    ]
    figures = {"pictures_per_second": len(pictures) / (time.perf_counter() - began)}
    figures |= _of_any_kind(looked, seer.least_score)
    kinds = sorted(set(classes.values()))
    if len(kinds) > 1:
        figures |= _of_kinds(looked, kinds)
    codes = seer.eyes.codes
    if set(kinds) <= set(codes.values()) and len(set(codes.values())) == len(codes):
        weights, imgsz = seer.eyes.weights.path, seer.eyes.imgsz
        figures |= mean_average_precision(weights, codes, folder, part, classes, imgsz)
    return what, "photographs", len(pictures), figures


def _with_nothing(referee: Referee, recipe: Recipe) -> list[Path]:
    return [
        picture
        for picture, _ in photographs_of(referee.folder, referee.part)
        if not any(
            box.class_code in recipe.classes and box.score >= SURELY_NONE
            for box in referee.eyes.look(read_picture(picture.read_bytes()).image)
        )
    ]


def _alarms(seer: _Seer, pictures: Sequence[Path]) -> float:
    """Pictures in which something is seen, of a thousand with nothing to find."""
    alarmed = sum(bool(seer.sure(read_picture(picture.read_bytes()).image)) for picture in pictures)
    return 1000 * alarmed / len(pictures)


Looked = list[tuple[list[Box], list[Box]]]  # of each picture: what is there, and what was seen


def _of_any_kind(looked: Looked, least_score: float) -> dict[str, float]:
    tally = Tally()
    for truth, found in looked:
        tally.add(truth, found, same_class=False)
    recall, precision = tally.at(least_score)
    return {"recall": recall, "precision": precision, "ap50": tally.average_precision()}


def _of_kinds(looked: Looked, kinds: Sequence[str]) -> dict[str, float]:
    """Average precision of each kind, and their mean with its 95 % interval over resampled pictures."""
    of_picture = {kind: [_tally_of(kind, truth, found) for truth, found in looked] for kind in kinds}
    figures = {f"ap50_{kind}": merged(tallies).average_precision() for kind, tallies in of_picture.items()}
    random = np.random.default_rng(0)
    means = []
    for _ in range(RESAMPLES):
        drawn = random.integers(len(looked), size=len(looked)).tolist()
        values = [
            merged([tallies[place] for place in drawn]).average_precision() for tallies in of_picture.values()
        ]
        means.append(float(np.nanmean(values)))
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    mean = float(np.mean(list(figures.values())))
    return {"map50_of_kinds": mean, "map50_of_kinds_low": low, "map50_of_kinds_high": high} | figures


def _tally_of(kind: str, truth: Sequence[Box], found: Sequence[Box]) -> Tally:
    tally = Tally()
    tally.add(
        [box for box in truth if box.class_code == kind],
        [box for box in found if box.class_code == kind],
        same_class=True,
    )
    return tally


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
            truth = [box for box in scene.truth if box.class_code in seer.codes]
            in_lane = [box for box in scene.in_lane if box.class_code in seer.codes]
            tally.add(truth, found, same_class=False)
            strange = [box for box in found if not any(iou(box, true) >= 0.3 for true in truth)]
            anywhere += bool(strange)
            alarms += any(zone_of({"lane": scene.lane}, box) for box in strange)
            standing += len(in_lane)
            seen += sum(any(iou(true, box) >= 0.5 for box in found) for true in in_lane)
        figures = {
            "false_in_lane_per_1000_frames": 1000 * alarms / len(scenes),
            ALARMS: 1000 * anywhere / len(scenes),
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
        seer = _Seer(eyes, recipe, least_score)
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
        results.append(Result(name, eyes.imgsz, video.name, "photographs", len(frames), _rounded(figures)))
    return results


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    """Without those that had nothing to divide by."""
    return {name: round(value, 4) for name, value in figures.items() if not math.isnan(value)}


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
