"""Boxes in fractions: where a thing touches the ground, how much two overlap."""

import pytest

from citybrain.vision.boxes import Box, iou


def box(x1: float, y1: float, x2: float, y2: float) -> Box:
    return Box("car", x1, y1, x2, y2, 0.9)


def test_a_box_stands_on_the_middle_of_its_lower_edge() -> None:
    assert box(0.2, 0.1, 0.4, 0.5).bottom_centre == pytest.approx((0.3, 0.5))


def test_area_and_aspect() -> None:
    assert box(0.0, 0.0, 0.5, 0.25).area == pytest.approx(0.125)
    assert box(0.0, 0.0, 0.5, 0.25).aspect == pytest.approx(2.0)
    assert box(0.0, 0.3, 0.5, 0.3).aspect == 0.0


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box(0.1, 0.1, 0.3, 0.3), 1.0),
        (box(0.2, 0.1, 0.4, 0.3), 1 / 3),
        (box(0.2, 0.2, 0.4, 0.4), 1 / 7),
        (box(0.3, 0.1, 0.5, 0.3), 0.0),  # they touch
        (box(0.8, 0.8, 0.9, 0.9), 0.0),
    ],
)
def test_overlap(other: Box, expected: float) -> None:
    one = box(0.1, 0.1, 0.3, 0.3)
    assert iou(one, other) == pytest.approx(expected)
    assert iou(other, one) == pytest.approx(expected)


def test_overlap_of_boxes_without_area_is_none() -> None:
    assert iou(box(0.1, 0.1, 0.1, 0.1), box(0.1, 0.1, 0.1, 0.1)) == 0.0


def test_pixels_stay_within_the_picture() -> None:
    assert box(-0.1, 0.25, 1.2, 1.0).pixels(960, 540) == (0, 135, 960, 540)
