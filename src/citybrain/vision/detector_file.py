"""One detector: `detectors/<id>/detector.yml`, schema citybrain/detector@1.

It says which network looks, what it may see, where nothing may stand and for how long, and how often each
camera is looked at. Zones are polygons of `[x, y]`, fractions of the picture's width and height from the top
left corner; a thing stands in a zone when the middle of its lower edge does.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from croniter import croniter
from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from citybrain.catalogue.content_file import ContentError, ContentModel, line_of, load_content, read_yaml
from citybrain.catalogue.dataset import Label
from citybrain.catalogue.scenario import Provenance, load_scenarios
from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.zones import Polygon, outline, zone_of

DETECTOR_SCHEMA = "citybrain/detector@1"
EXPERIMENTAL_MARK = "（试验）"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Share = Annotated[float, Field(ge=0, le=1)]


def _require_cron(schedule: str) -> str:
    if not croniter.is_valid(schedule):
        raise ValueError(f"{schedule!r} is no cron expression")
    return schedule


Schedule = Annotated[str, AfterValidator(_require_cron), Field(description="cron of the rounds, city time")]


Tiles = Annotated[int, Field(ge=1, le=6)]


class Model(ContentModel):
    """The network and how it is asked; the weights are found by `citybrain.vision.weights`."""

    name: str = Field(min_length=1, description="e.g. a folder of detectors/models/")
    imgsz: int = Field(ge=160, le=2048, multiple_of=32, description="longer side of what the network sees")
    weights: Literal["shipped", "city"] = Field(
        default="shipped",
        description="shipped: they lie below detectors/models/; city: whoever runs this brings them, and"
        " until then the detector is inactive",
    )
    tiles: tuple[Tiles, Tiles] = Field(
        default=(1, 1), description="columns and rows of parts that are looked at besides the whole"
    )
    overlap: float = Field(default=0.2, ge=0, le=0.5, description="of neighbouring tiles, share of a tile")
    names: dict[str, Name] = Field(
        default={}, description="the network's class names that are called otherwise here"
    )


class SeenClass(ContentModel):
    """Which boxes of a class count, and how sure the detector must be over several looks."""

    title: Label
    min_score: Share = Field(description="a box below it is not seen at all")
    threshold: Share = Field(description="the median score of the last looks, misses as 0, has to reach it")
    area: tuple[Share, Share] = Field(default=(0.0, 1.0), description="share of the picture, least and most")
    aspect: tuple[float, float] = Field(default=(0.05, 20.0), description="width over height, least and most")
    experimental: bool = Field(
        default=False, description="not proven on labelled pictures: people are told so wherever it is shown"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "SeenClass":
        if self.threshold < self.min_score:
            raise ValueError("threshold lies below min_score: it would never decide anything")
        for name in ("area", "aspect"):
            least, most = getattr(self, name)
            if least >= most:
                raise ValueError(f"{name}: {least} is not below {most}")
        return self

    def keeps(self, box: Box) -> bool:
        return (
            box.score >= self.min_score
            and self.area[0] <= box.area <= self.area[1]
            and self.aspect[0] <= box.aspect <= self.aspect[1]
        )


class Dwell(ContentModel):
    """When a thing that stands somewhere becomes a signal, and when it has gone."""

    minutes: float = Field(ge=0, description="it has to stand so long, from first to last still")
    looks: int = Field(ge=1, description="and in so many usable stills")
    clear_after: int = Field(ge=1, description="usable stills in a row without it, then it has gone")
    cool_down_minutes: float = Field(ge=0, description="no new signal so long after the last one cleared")
    longest_gap_minutes: float = Field(
        gt=0, description="not seen for longer: whatever stands there now is new"
    )
    same_place_iou: Share = Field(default=0.5, description="overlap from which a box is the thing of before")
    same_look: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="correlation of what the boxes show, below which another thing took the place; default:"
        " the place alone decides",
    )

    @property
    def stands(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def cool_down(self) -> timedelta:
        return timedelta(minutes=self.cool_down_minutes)

    @property
    def longest_gap(self) -> timedelta:
        return timedelta(minutes=self.longest_gap_minutes)


def _require_area(polygon: Polygon) -> Polygon:
    if not outline(polygon).is_valid or outline(polygon).area <= 0:
        raise ValueError("the polygon crosses itself or covers nothing")
    return polygon


class Zone(ContentModel):
    """A place in a camera's picture where nothing of `classes` may stand."""

    polygon: Polygon
    enabled: bool = True
    classes: tuple[Name, ...] | None = Field(default=None, description="default: every class of the detector")
    dwell: Dwell | None = Field(default=None, description="default: the detector's")

    @field_validator("polygon")
    @classmethod
    def _is_a_place(cls, polygon: Polygon) -> Polygon:
        return _require_area(polygon)


class Mask(ContentModel):
    """A place in a camera's picture where nothing is seen: a poster, a mirror, a roof with painted cars. A
    box is in it when the middle of its lower edge is.
    """

    polygon: Polygon
    classes: tuple[Name, ...] | None = Field(default=None, description="default: every class of the detector")

    @field_validator("polygon")
    @classmethod
    def _is_a_place(cls, polygon: Polygon) -> Polygon:
        return _require_area(polygon)

    def hides(self, box: Box) -> bool:
        asked = self.classes is None or box.class_code in self.classes
        return asked and zone_of({"mask": self.polygon}, box) != ""


class ScoreRule(ContentModel):
    """How sure a detector is of a thing: the median of its scores, a usable look that missed it as 0."""

    looks: int = Field(default=10, ge=1, le=30, description="over so many of the last usable looks")


class SweepRule(ContentModel):
    """How much a round may ask of the workers."""

    budget_minutes: float = Field(
        default=15, gt=0, description="a look that has waited longer is skipped, and counted as skipped"
    )

    @property
    def budget(self) -> timedelta:
        return timedelta(minutes=self.budget_minutes)


class StillRule(ContentModel):
    """Which still of a camera is looked at in a round: the newest one, unless it is too old."""

    max_age_minutes: float = Field(gt=0)

    @property
    def max_age(self) -> timedelta:
        return timedelta(minutes=self.max_age_minutes)


class RecheckRule(ContentModel):
    """How a handler's photo is judged."""

    compare_with_still: bool = Field(
        default=True, description="a still taken after the photo was handed in may contradict it"
    )


Zones = dict[Name, Zone]


class Detector(ContentModel):
    schema_: Literal["citybrain/detector@1"] = Field(alias="schema")
    id: Name
    scenario: Name
    title: Label
    provenance: Provenance = Field(description="as in the catalogue")
    origin: Literal["real", "synthetic"] = Field(description="of the stills it looks at")
    enabled: bool = True
    experimental: bool = Field(default=False, description="all of its classes are")
    note: str = ""
    model: Model
    classes: dict[Name, SeenClass] = Field(min_length=1)
    second_look: bool = Field(
        default=True, description="look at the mirrored still, too, before a signal is made"
    )
    dwell: Dwell
    score: ScoreRule = ScoreRule()
    schedule: Schedule
    sweep: SweepRule = SweepRule()
    still: StillRule
    recheck: RecheckRule = RecheckRule()
    cameras: dict[str, Zones] = Field(description="zones by camera")
    masks: dict[str, tuple[Mask, ...]] = Field(default={}, description="by camera")

    @model_validator(mode="after")
    def _classes_are_known(self) -> "Detector":
        for camera, zones in self.cameras.items():
            for name, zone in zones.items():
                unknown = sorted(set(zone.classes or ()) - set(self.classes))
                if unknown:
                    raise ValueError(f"cameras.{camera}.{name}: no class is called {', '.join(unknown)}")
        for camera, masks in self.masks.items():
            unknown = sorted({code for mask in masks for code in mask.classes or ()} - set(self.classes))
            if unknown:
                raise ValueError(f"masks.{camera}: no class is called {', '.join(unknown)}")
        return self

    def zones(self, camera_id: str) -> Zones:
        """The enabled zones of a camera, none for a camera without one."""
        return {name: zone for name, zone in self.cameras.get(camera_id, {}).items() if zone.enabled}

    @property
    def titles(self) -> dict[str, str]:
        """Chinese titles by class, as people see them."""
        return {
            name: seen.title.zh + (EXPERIMENTAL_MARK if self.is_experimental(name) else "")
            for name, seen in self.classes.items()
        }

    @property
    def looks_at(self) -> int:
        """The pixels that a picture's longer side needs for the network and its tiles."""
        from citybrain.vision.pictures import COMPARED_WIDTH  # brings numpy, which a timetable does not need

        return max(self.model.imgsz * max(self.model.tiles), COMPARED_WIDTH)

    def is_experimental(self, class_code: str) -> bool:
        return self.experimental or self.classes[class_code].experimental

    def zone_of(self, zones: Zones, box: Box) -> str:
        """The first zone the box stands in that asks for its class; "" for none."""
        asked = {
            name: zone.polygon
            for name, zone in zones.items()
            if zone.classes is None or box.class_code in zone.classes
        }
        return zone_of(asked, box)

    def dwell_in(self, zones: Zones, name: str) -> Dwell:
        zone = zones.get(name)
        return self.dwell if zone is None or zone.dwell is None else zone.dwell

    def kept(self, boxes: list[Box]) -> list[Box]:
        """The boxes of its classes that pass their filters."""
        return [
            box for box in boxes if box.class_code in self.classes and self.classes[box.class_code].keeps(box)
        ]

    def kept_at(self, camera_id: str, boxes: list[Box]) -> list[Box]:
        """The same, without what a mask of the camera hides."""
        masks = self.masks.get(camera_id, ())
        return [box for box in self.kept(boxes) if not any(mask.hides(box) for mask in masks)]


class Clock(BaseModel):
    """What is read of a detector where only its timetable counts."""

    schedule: Schedule
    enabled: bool = True


def detector_files(settings: Settings) -> list[Path]:
    return sorted(settings.detectors_dir.glob("*/detector.yml"))


def load_detector(path: Path) -> Detector:
    """Raises ContentError, also when the catalogue says otherwise."""
    detector = load_content(path, Detector)
    faults = [
        (line_of(read_yaml(path), (key,)), f"{key}: {reason}")
        for key, reason in _disagreements(path, detector)
    ]
    if faults:
        raise ContentError(path, faults)
    return detector


def load_detectors(settings: Settings) -> dict[str, Detector]:
    """The enabled detectors by id. Raises ContentError with the faults of the first wrong file."""
    loaded = [load_detector(path) for path in detector_files(settings)]
    return {detector.id: detector for detector in loaded if detector.enabled}


def load_schedules(settings: Settings) -> list[str]:
    """The schedules of the enabled detectors, without reading their zones. Raises ContentError."""
    clocks = [load_content(path, Clock) for path in detector_files(settings)]
    return [clock.schedule for clock in clocks if clock.enabled]


def _disagreements(path: Path, detector: Detector) -> Iterator[tuple[str, str]]:
    if detector.id != path.parent.name:
        yield "id", f"the file lies in the folder {path.parent.name}"
    known = {scenario.id: scenario for scenario in load_scenarios().event_handling}
    scenario = known.get(detector.scenario)
    if scenario is None:
        yield "scenario", f"the catalogue has no event scenario {detector.scenario!r}"
    elif scenario.provenance != detector.provenance:
        yield "provenance", f"the catalogue says {scenario.provenance}"
