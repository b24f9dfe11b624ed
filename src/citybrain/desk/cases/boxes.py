"""What detectors saw in a case's pictures, to be drawn over them: the thing that a camera's signal is about,
and what the machine's check found in a handler's photo.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from citybrain.catalogue.content_file import ContentError
from citybrain.events.models import Case, Evidence, Signal
from citybrain.settings import get_settings
from citybrain.vision.detector_file import load_detectors

log = logging.getLogger(__name__)
Sides = tuple[float, float, float, float]
_CHECKS = ("pass_check", "fail_check", "ask_person")  # the steps that a verdict of the machine takes
_TEXT = 24  # a label is this part of the picture's height


@dataclass(frozen=True)
class Drawn:
    """One box in pixels of its picture from the top left corner, and where its label starts or ends."""

    x: int
    y: int
    width: int
    height: int
    label: str
    label_x: int
    label_y: int
    anchor: str


class Seen(BaseModel):
    """A thing as a verdict writes it; x1, y1, x2, y2 are fractions of the picture's width and height."""

    class_code: str = Field(alias="class")
    box: Sides
    score: float


class Looked(BaseModel):
    """What a camera's signal says of its thing; `frame` is the width and height of the camera's picture."""

    box: Sides
    frame: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]


_SEEN = TypeAdapter(list[Seen])


def boxes_in(case: Case, pictures: Sequence[Evidence]) -> dict[int, list[Drawn]]:
    """The boxes of each picture, by its id; a picture whose size is not known has none. `signal` is read of
    each picture.
    """
    checked = _checked(case) if any(one.kind == Evidence.Kind.AFTER for one in pictures) else {}
    found: dict[int, list[Drawn]] = {}
    for one in pictures:
        if one.width and one.height:
            seen = _of_signal(one) if one.signal is not None else checked.get(one.sha256, [])
            found[one.pk] = [_drawn(one.width, one.height, case.scenario, thing) for thing in seen]
    return found


def _checked(case: Case) -> dict[str, list[Seen]]:
    """By the SHA-256 of an after-photo: what the machine found standing in it."""
    found = {}
    for data in case.transitions.filter(action__in=_CHECKS).values_list("data", flat=True):
        _, _, sha256 = str(data.get("recheck_key", "")).partition(":")
        detail: Any = data.get("detail")
        if isinstance(detail, str):  # so it is kept where the verdict's JSON was read as text
            detail = json.loads(detail)
        if sha256 and isinstance(detail, dict):
            found[sha256] = _things(case, detail.get("boxes", []))
    return found


def _things(case: Case, written: object) -> list[Seen]:
    try:
        return _SEEN.validate_python(written)
    except ValidationError as error:
        log.error("case %s: a verdict's boxes cannot be read: %s", case.number, error)
        return []


def _of_signal(picture: Evidence) -> list[Seen]:
    """The thing that the signal is about. Its picture has the camera's own on top, a strip of words below."""
    signal = picture.signal
    told = signal is not None and signal.kind == Signal.Kind.DETECTED and signal.score is not None
    if not told or signal is None or not {"box", "frame"} <= signal.detail.keys():
        return []
    try:
        looked = Looked.model_validate(signal.detail)
    except ValidationError as error:
        log.error("signal %s: its box cannot be read: %s", signal.key, error)
        return []
    width, height = looked.frame
    share = min((picture.width or 0) * height / width / (picture.height or 1), 1.0)
    x1, y1, x2, y2 = looked.box
    thing = {"class": signal.class_code, "box": (x1, y1 * share, x2, y2 * share), "score": signal.score}
    return [Seen.model_validate(thing)]


def _drawn(width: int, height: int, scenario: str, thing: Seen) -> Drawn:
    x1, y1, x2, y2 = (
        round(min(max(side, 0.0), 1.0) * of)
        for side, of in zip(thing.box, (width, height, width, height), strict=True)
    )
    text = text_size(height)
    leftwards = x1 > width * 2 // 3  # else the label would leave the picture
    return Drawn(
        x=x1,
        y=y1,
        width=max(x2 - x1, 0),
        height=max(y2 - y1, 0),
        label=f"{_titles().get((scenario, thing.class_code), thing.class_code)} {thing.score:.2f}",
        label_x=x2 if leftwards else x1,
        label_y=y1 - text // 4 if y1 > text * 5 // 4 else y1 + text,
        anchor="end" if leftwards else "start",
    )


def text_size(height: int) -> int:
    """The pixels of a label on a picture of so many."""
    return max(height // _TEXT, 12)


@cache
def _titles() -> dict[tuple[str, str], str]:
    """The Chinese names of classes, by scenario and code, as the detectors' files had them when the desk
    began. Without readable files the codes stand for themselves.
    """
    try:
        detectors: Iterable[Any] = load_detectors(get_settings()).values()
    except ContentError as error:
        log.error("the names of what detectors see cannot be read: %s", error)
        return {}
    return {(one.scenario, code): zh for one in detectors for code, zh in one.titles.items()}
