"""Cases of a detector: looks at one zone and the signals that have to come of them.

`detectors/<id>/cases/*.yml`. A case is about the rules (dwell, misses, what an unusable still means), so
boxes stand for what the network would see; it has a zone of its own and holds for every camera.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.expected_signal import ExpectedSignal
from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.detector_file import Detector, Name, Share, Zone, detector_files, load_detector
from citybrain.vision.registry import Memory, step
from citybrain.vision.timetable import CITY_TIME
from citybrain.vision.weights import on_hand
from citybrain.vision.zones import Polygon

ZONE = "zone"
_START = datetime(2026, 1, 1, tzinfo=CITY_TIME)

Minute = float


class SeenBox(ContentModel):
    class_: Name = Field(alias="class")
    box: tuple[Share, Share, Share, Share] = Field(description="x1, y1, x2, y2")
    score: Share

    @property
    def as_box(self) -> Box:
        return Box(self.class_, *self.box, score=self.score)


class Look(ContentModel):
    """What one still shows; `still: unusable` for a black, broken or missing one."""

    minute: Minute = Field(ge=0)
    boxes: tuple[SeenBox, ...] = ()
    still: Literal["usable", "unusable"] = "usable"


class Case(ContentModel):
    name: str = Field(min_length=1)
    zone: Polygon = ((0.2, 0.2), (0.8, 0.2), (0.8, 1.0), (0.2, 1.0))
    looks: list[Look] = Field(min_length=1)
    expect: list[ExpectedSignal]

    @model_validator(mode="after")
    def _in_order(self) -> "Case":
        minutes = [look.minute for look in self.looks]
        if minutes != sorted(set(minutes)):
            raise ValueError("looks: every look is later than the one before")
        return self


class CaseFile(ContentModel):
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True)
class CaseResult:
    """`reason` says what came out instead; None when the case holds."""

    path: Path
    line: int
    name: str
    reason: str | None


def run(detector: Detector, case: Case) -> list[ExpectedSignal]:
    """The signals that come of a case's looks; each still is seen the same way twice."""
    zones = {ZONE: Zone(polygon=case.zone)}
    memory, told = Memory(), []
    for look in case.looks:
        if look.still == "unusable":
            continue
        at = _START + timedelta(minutes=look.minute)
        boxes = [seen.as_box for seen in look.boxes]
        change = step(detector, zones, memory, boxes, at, lambda box: box.score)
        for finding in change.findings:
            expected = {"minute": look.minute, "kind": finding.kind, "class": finding.thing.class_code}
            told.append(ExpectedSignal.model_validate(expected))
        memory = memory.after(change, at)
    return told


def run_cases(detector_path: Path) -> list[CaseResult]:
    """Every case of a detector, in the order of the files. Raises ContentError."""
    detector, results = load_detector(detector_path), []
    for path in sorted((detector_path.parent / "cases").glob("*.yml")):
        tree = read_yaml(path)
        for place, case in enumerate(load_content(path, CaseFile).cases):
            told = run(detector, case)
            came = ", ".join(str(one) for one in told) or "no signal"
            reason = None if told == case.expect else f"{case.name}: comes {came}"
            results.append(CaseResult(path, line_of(tree, ("cases", place, "expect")), case.name, reason))
    return results


def detector_faults(settings: Settings) -> Iterator[tuple[Path, int, str]]:
    """Every fault of the detectors' files, and every case that does not hold: path, line, reason."""
    for path in detector_files(settings):
        try:
            yield from _weights_faults(settings, path)
            results = run_cases(path)
        except ContentError as error:
            yield from ((error.path, line, reason) for line, reason in error.faults)
            continue
        if not results:
            yield path, 1, f"no cases below {path.parent.name}/cases: nothing shows that the rules hold"
        yield from ((one.path, one.line, one.reason) for one in results if one.reason is not None)


def detector_notes(settings: Settings) -> Iterator[tuple[Path, int, str]]:
    """What holds a detector back without being a fault: path, line, reason. Asks neither bucket nor network.

    Raises ContentError.
    """
    for path in detector_files(settings):
        detector = load_detector(path)
        if (
            detector.enabled
            and detector.model.weights == "city"
            and not on_hand(settings, detector.model.name)
        ):
            reason = (
                f"inactive until the city brings weights called {detector.model.name}:"
                f" into {settings.models_dir} or the bucket {settings.bucket('models')}"
            )
            yield path, line_of(read_yaml(path), ("model",)), reason
        elif detector.enabled and not detector.cameras:
            reason = "inactive until somebody draws a zone on a camera that it may look through"
            yield path, line_of(read_yaml(path), ("cameras",)), reason


def _weights_faults(settings: Settings, path: Path) -> Iterator[tuple[Path, int, str]]:
    model = load_detector(path).model
    shipped = settings.detectors_dir / "models" / model.name / "weights.pt"
    if model.weights == "shipped" and not shipped.is_file():
        reason = f"model: {model.name} is said to be shipped, and there is no detectors/models/{model.name}"
        yield path, line_of(read_yaml(path), ("model",)), reason
