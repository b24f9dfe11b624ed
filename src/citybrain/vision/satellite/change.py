"""Which pixels changed, and the patches they make."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.satellite.composite import Composite, Flags, Floats
from citybrain.vision.satellite.rule import ChangeRule

BUILT, CLEARED = 1, 2
KINDS: dict[int, Literal["built", "cleared"]] = {BUILT: "built", CLEARED: "cleared"}


@dataclass(frozen=True)
class Compared:
    """Pixel by pixel: `kind` 0, BUILT or CLEARED, `known` where both sides were clear, and the index on both
    sides, nan where unknown.
    """

    kind: NDArray[np.uint8]
    known: Flags
    ndvi_before: Floats
    ndvi_after: Floats


@dataclass(frozen=True)
class Patch:
    """Pixels of one kind that touch. `outline` is GeoJSON in the grid's coordinates, `window` its row and
    column ranges, `score` how far beyond the thresholds it changed, 0 to 1.
    """

    kind: Literal["built", "cleared"]
    outline: dict[str, Any]
    window: tuple[slice, slice]
    pixels: int
    ndvi_before: float
    ndvi_after: float
    score: float


def compare(rule: ChangeRule, now: Composite, before: Composite, last_year: Composite | None) -> Compared:
    """`before` is the quarter before, `last_year` the same quarter a year ago, None when there is none.

    A pixel was built when it is hard ground now, was none a quarter ago, and differs from what it is measured
    against in index and light; cleared the other way round. Where one side is unknown nothing is said.
    """
    against = before
    if rule.against == "same_quarter_of_last_year" and last_year is not None:
        against = _filled(last_year, before)
    # A quarter ago may have been cloudy just here: then a year ago tells whether the ground was hard.
    earlier = _filled(before, against)
    known = now.seen & against.seen & earlier.seen
    hard_now, hard_then = _hard(rule, now), _hard(rule, earlier)
    with np.errstate(invalid="ignore"):
        greener = now.ndvi - against.ndvi
        lighter = np.zeros_like(greener)
        if now.reflectance is not None and against.reflectance is not None:
            lighter = now.reflectance - against.reflectance
        enough = rule.reflectance_change_at_least if now.reflectance is not None else 0.0
        built = hard_now & ~hard_then & (greener <= -rule.ndvi_change_at_least) & (lighter >= enough)
        cleared = ~hard_now & hard_then & (greener >= rule.ndvi_change_at_least) & (lighter <= -enough)
    kind = np.where(built & known, BUILT, np.where(cleared & known, CLEARED, 0)).astype(np.uint8)
    return Compared(kind, known, against.ndvi, now.ndvi)


def patches(rule: ChangeRule, compared: Compared, transform: Any, inside: Flags) -> Iterator[Patch]:
    """The patches of at least `least_pixels` within `inside`, from the upper left on."""
    from rasterio.features import shapes

    kind = np.where(inside, compared.kind, 0).astype(np.uint8)
    for outline, value in shapes(kind, mask=kind > 0, connectivity=8, transform=transform):
        window, member = _member(kind, outline, transform, int(value))
        pixels = int(member.sum())
        if pixels < rule.least_pixels:
            continue
        before = float(np.mean(compared.ndvi_before[window][member]))
        after = float(np.mean(compared.ndvi_after[window][member]))
        beyond = abs(after - before) / rule.ndvi_change_at_least
        score = round(1 - 1 / (1 + beyond), 4)
        yield Patch(KINDS[int(value)], outline, window, pixels, before, after, score)


def _member(
    kind: NDArray[np.uint8], outline: dict[str, Any], transform: Any, value: int
) -> tuple[tuple[slice, slice], Flags]:
    from rasterio.features import geometry_mask

    ring = np.asarray(outline["coordinates"][0])
    columns, rows = ~transform * (ring[:, 0], ring[:, 1])
    window = (
        slice(max(round(rows.min()), 0), min(round(rows.max()), kind.shape[0])),
        slice(max(round(columns.min()), 0), min(round(columns.max()), kind.shape[1])),
    )
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    moved = transform * transform.translation(window[1].start, window[0].start)
    inside = geometry_mask([outline], shape, moved, invert=True)
    return window, np.asarray(inside & (kind[window] == value))


def _filled(first: Composite, second: Composite) -> Composite:
    """What `first` shows, and what `second` shows where the first shows nothing."""
    light = None
    if first.reflectance is not None and second.reflectance is not None:
        light = np.where(first.seen, first.reflectance, second.reflectance)
    return Composite(np.where(first.seen, first.ndvi, second.ndvi), light)


def _hard(rule: ChangeRule, picture: Composite) -> Flags:
    with np.errstate(invalid="ignore"):
        hard = picture.ndvi <= rule.hard_ground.ndvi_at_most
        if picture.reflectance is not None:
            hard &= picture.reflectance >= rule.hard_ground.reflectance_at_least
    return np.asarray(hard)
