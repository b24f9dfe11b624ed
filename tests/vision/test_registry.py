"""The registry of things seen, as properties of any series of looks."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patrol_city import DETECTOR_YML, FIVE, LANE, START
from ruamel.yaml import YAML

from citybrain.vision.boxes import Box
from citybrain.vision.detector_file import Detector
from citybrain.vision.patches import likeness
from citybrain.vision.registry import Finding, Memory, SeenObject, step

CAMERA = "camera"
PLACES = ((0.32, 0.3, 0.42, 0.6), (0.45, 0.35, 0.6, 0.75), (0.55, 0.5, 0.72, 0.95), (0.02, 0.4, 0.2, 0.8))


def detector(**dwell: float) -> Detector:
    content = YAML(typ="safe").load(DETECTOR_YML)
    content["cameras"] = {CAMERA: {LANE: {"polygon": [[0.3, 0.2], [0.7, 0.2], [0.7, 1.0], [0.3, 1.0]]}}}
    content["dwell"] |= dwell
    return Detector.model_validate(content)


@st.composite
def boxes(drawn: st.DrawFn) -> Box:
    """A vehicle near one of a few places, so that looks meet the same things again."""
    place = drawn(st.sampled_from(PLACES))
    jitter = drawn(st.floats(-0.02, 0.02, allow_nan=False))
    sides = [min(max(side + jitter, 0.0), 1.0) for side in place]
    score = drawn(st.sampled_from([0.2, 0.4, 0.6, 0.9]))
    return Box(drawn(st.sampled_from(["car", "lorry", "bicycle"])), *sides, score=score)


looks = st.lists(st.one_of(st.none(), st.lists(boxes(), max_size=4)), max_size=16)
"""None: a still that shows nothing, of which the registry never hears."""


def follow(
    chosen: Detector, series: list[list[Box] | None], memory: Memory | None = None, first: int = 0
) -> tuple[Memory, list[tuple[int, Finding]], list[SeenObject]]:
    """The memory after the series, its findings by number of look, and every object ever changed."""
    memory, found, seen = memory or Memory(), [], []
    for number, look in enumerate(series, first):
        if look is None:
            continue
        at = START + number * FIVE
        change = step(chosen, chosen.zones(CAMERA), memory, look, at, lambda box: box.score)
        found += [(number, finding) for finding in change.findings]
        seen += change.objects
        memory = memory.after(change, at)
    return memory, found, seen


@given(looks)
def test_never_two_open_signals_for_a_zone_and_class(series: list[list[Box] | None]) -> None:
    open_now: Counter[tuple[str, str]] = Counter()
    for _, finding in follow(detector(), series)[1]:
        open_now[finding.thing.spot] += 1 if finding.kind == "detected" else -1
        assert open_now[finding.thing.spot] in (0, 1)


@given(looks, st.integers(0, 16))
def test_any_prefix_and_the_rest_give_the_same(series: list[list[Box] | None], cut: int) -> None:
    whole = follow(detector(), series)
    memory, before, _ = follow(detector(), series[:cut])
    again, repeated, _ = follow(detector(), series[:cut])
    assert (memory, before) == (again, repeated)
    end, after, _ = follow(detector(), series[cut:], memory, first=cut)
    assert (end, before + after) == whole[:2]


@given(looks)
def test_a_still_that_shows_nothing_changes_nothing(series: list[list[Box] | None]) -> None:
    """Time passes meanwhile, and that is all: no miss, no hit, no signal of its own."""
    usable = [number for number, look in enumerate(series) if look is not None]
    _, found, seen = follow(detector(), series)
    assert all(number in usable for number, _ in found)
    assert all(thing.misses + thing.hits <= len(usable) for thing in seen)


@given(looks)
def test_a_signal_is_made_of_what_stood_long_enough(series: list[list[Box] | None]) -> None:
    chosen = detector()
    for number, finding in follow(chosen, series)[1]:
        thing, at = finding.thing, START + number * FIVE
        if finding.kind == "detected":
            assert thing.zone == LANE and thing.class_code in chosen.classes
            assert thing.hits >= 2 and at - thing.first_seen >= FIVE and thing.last_seen == at
            assert thing.score >= chosen.classes[thing.class_code].threshold
        else:
            assert thing.gone and thing.misses >= 2


@given(looks)
def test_no_signal_within_the_cool_down(series: list[list[Box] | None]) -> None:
    cleared: dict[tuple[str, str], int] = {}
    for number, finding in follow(detector(cool_down_minutes=20), series)[1]:
        if finding.kind == "cleared":
            cleared[finding.thing.spot] = number
        elif finding.thing.spot in cleared:
            assert (number - cleared[finding.thing.spot]) * FIVE >= timedelta(minutes=20)


@given(looks)
@settings(max_examples=50)
def test_without_a_second_look_that_agrees_nothing_is_told(series: list[list[Box] | None]) -> None:
    chosen, memory = detector(), Memory()
    for number, look in enumerate(series):
        if look is not None:
            at = START + number * FIVE
            change = step(chosen, chosen.zones(CAMERA), memory, look, at, lambda _box: None)
            assert change.findings == ()
            memory = memory.after(change, at)


def car(x: float = 0.4, score: float = 0.9) -> Box:
    return Box("car", x, 0.5, x + 0.2, 0.8, score)


def test_the_anchor_is_the_median_of_the_last_five_boxes() -> None:
    series: list[list[Box] | None] = [
        [car(0.40)],
        [car(0.41)],
        [car(0.46)],
        [car(0.41)],
        [car(0.42)],
        [car(0.43)],
    ]
    (thing,) = follow(detector(), series)[0].objects
    assert (thing.hits, len(thing.boxes)) == (6, 5)
    assert thing.anchor.x1 == pytest.approx(0.42)


def test_a_missed_look_counts_as_a_score_of_nothing() -> None:
    series: list[list[Box] | None] = [[car()], [], [car()], [], [car()], []]
    (thing,) = follow(detector(), series)[0].objects
    assert thing.scores == (0.9, 0.0, 0.9, 0.0, 0.9, 0.0)
    assert thing.score == pytest.approx(0.45)


def test_each_box_is_one_thing_the_best_overlap_first() -> None:
    memory, _, _ = follow(detector(same_place_iou=0.3), [[car(0.40), car(0.48)]])
    end, _, _ = follow(detector(same_place_iou=0.3), [[car(0.47), car(0.41)]], memory, first=1)
    assert [thing.boxes[-1].x1 for thing in end.objects] == [0.41, 0.47]


def test_what_comes_after_a_long_gap_is_new() -> None:
    memory, found, _ = follow(detector(), [[car()], None, None, None, None, None, [car()]])
    (thing,) = memory.objects
    assert (thing.hits, thing.first_seen, found) == (1, START + 6 * FIVE, [])


def test_a_photo_is_contradicted_once() -> None:
    memory, found, _ = follow(detector(), [[car()], [car()]])
    shown = replace(memory, photo_clear={LANE: START + 2 * FIVE - timedelta(minutes=1)})
    _, later, _ = follow(detector(), [[car()], [car()]], shown, first=2)
    assert [(number, finding.again) for number, finding in found + later] == [(1, False), (2, True)]


def test_a_zone_that_was_switched_off_still_clears() -> None:
    memory, found, _ = follow(detector(), [[car()], [car()]])
    assert len(found) == 1
    content = detector().model_dump(by_alias=True)
    content["cameras"][CAMERA][LANE]["enabled"] = False
    _, later, _ = follow(Detector.model_validate(content), [[], []], memory, first=2)
    assert [finding.kind for _, finding in later] == ["cleared"]


def patched(*values: int) -> bytes:
    """A patch of stripes whose brightness is given."""
    return bytes(values[column * len(values) // 24] for _ in range(24) for column in range(24))


def test_another_car_on_the_same_place_begins_anew() -> None:
    chosen = detector(same_look=0.5)
    at_place, zones = Box("car", *PLACES[1], score=0.9), chosen.zones(CAMERA)
    memory = Memory()
    told = []
    looks_like = [patched(20, 200, 40), patched(200, 30, 220), patched(180, 20, 210)]
    for number, look in enumerate(looks_like):
        at = START + number * FIVE
        change = step(chosen, zones, memory, [at_place], at, lambda box: box.score, lambda _box: look)  # noqa: B023
        told += [number for found in change.findings]
        memory = memory.after(change, at)
    assert told == [2]  # the second car has stood for five minutes, the first was never there for so long
    place_alone = detector()
    memory = Memory()
    for number in range(2):
        change = step(place_alone, zones, memory, [at_place], START + number * FIVE, lambda box: box.score)
        memory = memory.after(change, START + number * FIVE)
    assert [found.kind for found in change.findings] == ["detected"]


def test_light_and_a_shift_do_not_make_another_thing() -> None:
    one = patched(20, 200, 40, 150)
    brighter = bytes(min(value + 40, 255) for value in one)
    shifted = one[2:] + one[:2]
    assert likeness(one, brighter) > 0.98
    assert likeness(one, shifted) > 0.9
    assert likeness(one, bytes([90]) * 576) == 0
    assert likeness(one, patched(200, 20, 150, 40)) < 0
