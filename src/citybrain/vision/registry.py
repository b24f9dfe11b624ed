"""What stands before a camera over the rounds: one usable look changes the objects known and makes signals.

Looks are minutes apart, so a thing is known by its place: a box that overlaps the median of a thing's last
boxes is that thing, unless its look says that another took the place. Nothing here reads a clock or a
database: the same looks give the same objects and signals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Literal

from citybrain.vision.boxes import Box, iou
from citybrain.vision.detector_file import Detector, Dwell, Zones
from citybrain.vision.patches import likeness

BOXES_KEPT = 5

Spot = tuple[str, str]
"""A zone and a class: at most one signal is open there."""


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A thing of one class at one place. `boxes` and `scores` end with the newest; a miss scores 0.

    `misses` counts usable looks in a row without it, `patch` is how it looked last (see `patches`). `zone` is
    "" outside every zone. A signal is open from `signalled_at` to `cleared_at`.
    """

    class_code: str
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]
    first_seen: datetime
    last_seen: datetime
    hits: int = 1
    misses: int = 0
    zone: str = ""
    gone: bool = False
    signalled_at: datetime | None = None
    cleared_at: datetime | None = None
    object_id: int | None = None
    patch: bytes | None = None

    @property
    def anchor(self) -> Box:
        """The median of its last boxes: one jumping box does not move it."""
        boxes = self.boxes
        return Box(
            self.class_code,
            median(box.x1 for box in boxes),
            median(box.y1 for box in boxes),
            median(box.x2 for box in boxes),
            median(box.y2 for box in boxes),
            self.score,
        )

    @property
    def score(self) -> float:
        return float(median(self.scores))

    @property
    def open(self) -> bool:
        return self.signalled_at is not None and self.cleared_at is None

    @property
    def spot(self) -> Spot:
        return self.zone, self.class_code


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal to be made of `thing`. `second_score` is that of the second look, None where none was asked;
    `again` marks a thing that is still there although a photo had shown it gone.
    """

    kind: Literal["detected", "cleared"]
    thing: SeenObject
    second_score: float | None = None
    again: bool = False


@dataclass(frozen=True)
class Memory:
    """What is known of a camera before a look: things that are present or whose signal is open, when signals
    last cleared, and when photos were handed in that showed a zone clear.
    """

    objects: tuple[SeenObject, ...] = ()
    cleared: Mapping[Spot, datetime] = field(default_factory=dict)
    photo_clear: Mapping[str, datetime] = field(default_factory=dict)

    def after(self, change: "Step", at: datetime) -> "Memory":
        """What is known after a look at the still taken `at`; the database keeps the same."""
        cleared = {found.thing.spot: at for found in change.findings if found.kind == "cleared"}
        known = tuple(thing for thing in change.objects if not thing.gone or thing.open)
        return replace(self, objects=known, cleared={**self.cleared, **cleared})


@dataclass(frozen=True)
class Step:
    """What a look changed: every object as it is now, and the signals, in a fixed order."""

    objects: tuple[SeenObject, ...]
    findings: tuple[Finding, ...]
    occupied: bool


Confirm = Callable[[Box], float | None]
"""A second look at one box: its score there, None when it is not seen again."""

PatchOf = Callable[[Box], bytes | None]
"""How a box looks, None when that is not asked."""


def _no_patch(_box: Box) -> None:
    return None


def step(
    detector: Detector,
    zones: Zones,
    memory: Memory,
    boxes: Sequence[Box],
    at: datetime,
    confirm: Confirm,
    patch_of: PatchOf = _no_patch,
) -> Step:
    """The step of one usable look at the still taken `at`; `at` is later than every look before."""
    seen = detector.kept(list(boxes))
    objects = _follow(detector, zones, memory.objects, seen, at, patch_of)
    objects, detected = _detect(detector, zones, memory, objects, at, confirm)
    objects, cleared = _clear(objects, at)
    return Step(objects, (*detected, *cleared), any(detector.zone_of(zones, box) for box in seen))


def _follow(
    detector: Detector,
    zones: Zones,
    known: tuple[SeenObject, ...],
    boxes: list[Box],
    at: datetime,
    patch_of: PatchOf,
) -> tuple[SeenObject, ...]:
    looks = [patch_of(box) for box in boxes]
    present = [thing for thing in known if not thing.gone]
    pairs = _matches(detector, zones, present, boxes)
    followed = []
    for thing in known:
        if thing.gone:
            followed.append(thing)
            continue
        place = present.index(thing)
        if place in pairs:
            changed = _hit(detector, zones, thing, boxes[pairs[place]], looks[pairs[place]], at)
        else:
            changed = _missed(detector, zones, thing)
        followed.append(_placed(detector, zones, changed))
    taken = set(pairs.values())
    new = [_new(box, looks[place], at) for place, box in enumerate(boxes) if place not in taken]
    return (*followed, *(_placed(detector, zones, thing) for thing in new))


def _matches(detector: Detector, zones: Zones, present: list[SeenObject], boxes: list[Box]) -> dict[int, int]:
    """Places in `present` to places in `boxes`, the largest overlap first; each is used once."""
    overlaps = sorted(
        (-overlap, place, number)
        for place, thing in enumerate(present)
        for number, box in enumerate(boxes)
        if box.class_code == thing.class_code
        and (overlap := iou(thing.anchor, box)) >= detector.dwell_in(zones, thing.zone).same_place_iou
    )
    pairs: dict[int, int] = {}
    for _, place, number in overlaps:
        if place not in pairs and number not in pairs.values():
            pairs[place] = number
    return pairs


def _new(box: Box, patch: bytes | None, at: datetime) -> SeenObject:
    return SeenObject(box.class_code, (box,), (box.score,), first_seen=at, last_seen=at, patch=patch)


def _hit(
    detector: Detector, zones: Zones, thing: SeenObject, box: Box, patch: bytes | None, at: datetime
) -> SeenObject:
    """The thing with its newest box. What stands there now begins anew when nobody saw it for too long or it
    looks like another thing; while a signal is open it stays the signal's thing, since the place is taken.
    """
    dwell = detector.dwell_in(zones, thing.zone)
    unseen_for = at - thing.last_seen
    if not thing.open and (unseen_for > dwell.longest_gap or not _same_look(dwell, thing.patch, patch)):
        return replace(_new(box, patch, at), object_id=thing.object_id)
    return replace(
        thing,
        boxes=(*thing.boxes, box)[-BOXES_KEPT:],
        scores=(*thing.scores, box.score)[-detector.score.looks :],
        last_seen=at,
        hits=thing.hits + 1,
        misses=0,
        patch=patch,
    )


def _same_look(dwell: Dwell, before: bytes | None, now: bytes | None) -> bool:
    if dwell.same_look is None or before is None or now is None:
        return True
    return likeness(before, now) >= dwell.same_look


def _missed(detector: Detector, zones: Zones, thing: SeenObject) -> SeenObject:
    misses = thing.misses + 1
    return replace(
        thing,
        scores=(*thing.scores, 0.0)[-detector.score.looks :],
        misses=misses,
        gone=misses >= detector.dwell_in(zones, thing.zone).clear_after,
    )


def _placed(detector: Detector, zones: Zones, thing: SeenObject) -> SeenObject:
    """With the zone it stands in; a thing that was signalled stays in the zone of its signal."""
    return thing if thing.open else replace(thing, zone=detector.zone_of(zones, thing.anchor))


def _detect(
    detector: Detector,
    zones: Zones,
    memory: Memory,
    objects: tuple[SeenObject, ...],
    at: datetime,
    confirm: Confirm,
) -> tuple[tuple[SeenObject, ...], list[Finding]]:
    """One signal for each spot where something stands long enough and none is open."""
    found: list[Finding] = []
    now = list(objects)
    taken = {thing.spot for thing in objects if thing.open}
    longest_first = sorted(
        range(len(now)), key=lambda place: (now[place].first_seen, -now[place].score, place)
    )
    for place in longest_first:
        thing = now[place]
        if thing.last_seen != at:
            continue
        again = thing.open and _contradicts_photo(thing, memory, at)
        if not again and (thing.spot in taken or not _stands(detector, zones, memory, thing, at)):
            continue
        second = confirm(thing.boxes[-1])
        if second is None:
            continue
        now[place] = replace(thing, signalled_at=at, cleared_at=None)
        taken.add(thing.spot)
        found.append(Finding("detected", now[place], second, again))
    return tuple(now), found


def _stands(detector: Detector, zones: Zones, memory: Memory, thing: SeenObject, at: datetime) -> bool:
    if thing.zone not in zones:
        return False
    dwell = detector.dwell_in(zones, thing.zone)
    cleared = memory.cleared.get(thing.spot)
    return (
        thing.hits >= dwell.looks
        and at - thing.first_seen >= dwell.stands
        and thing.score >= detector.classes[thing.class_code].threshold
        and (cleared is None or at - cleared >= dwell.cool_down)
    )


def _contradicts_photo(thing: SeenObject, memory: Memory, at: datetime) -> bool:
    """A photo showed the zone clear after the signal was made, and the thing stands there after the photo."""
    shown = memory.photo_clear.get(thing.zone)
    return shown is not None and thing.signalled_at is not None and thing.signalled_at < shown < at


def _clear(objects: tuple[SeenObject, ...], at: datetime) -> tuple[tuple[SeenObject, ...], list[Finding]]:
    """A signal clears when its thing has gone and nothing else of its class stands in its zone."""
    standing = {thing.spot for thing in objects if not thing.gone}
    now: list[SeenObject] = []
    found: list[Finding] = []
    for thing in objects:
        if thing.open and thing.gone and thing.spot not in standing:
            thing = replace(thing, cleared_at=at)
            found.append(Finding("cleared", thing))
        now.append(thing)
    return tuple(now), found
