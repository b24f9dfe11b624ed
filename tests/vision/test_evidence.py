"""Frames people see: who and whose is covered, everything else is as the camera saw it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from vision_python import needs_vision, run_there

from citybrain.vision import evidence

pytestmark = needs_vision


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `covered_evidence.py` found; its pictures lie in `folder`."""
    folder = tmp_path_factory.mktemp("evidence")
    found = run_there("covered_evidence.py", folder / "home", folder)
    return {**found, "folder": folder}


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=int)


def outside(shape: tuple[int, ...], places: list[list[int]]) -> np.ndarray:
    mask = np.ones(shape[:2], dtype=bool)
    for x1, y1, x2, y2 in places:
        mask[y1:y2, x1:x2] = False
    return mask


@pytest.mark.parametrize("subject", ["faces", "plate"])
def test_what_is_private_is_found_and_covered(told: dict[str, Any], subject: str) -> None:
    before, after = (pixels(told["folder"] / f"{subject}_{when}.png") for when in ("before", "after"))
    places = told[subject]
    assert places, f"no {subject} found"
    for expected in told[f"{subject}_expected"]:
        x, y = expected
        assert any(x1 <= x < x2 and y1 <= y < y2 for x1, y1, x2, y2 in places), (expected, places)
    for x1, y1, x2, y2 in places:
        inside_before, inside_after = before[y1:y2, x1:x2], after[y1:y2, x1:x2]
        assert np.abs(inside_before - inside_after).mean() > 5
        assert len(np.unique(inside_after.reshape(-1, 3), axis=0)) <= 16  # four by four squares at most
    untouched = outside(before.shape, places)
    assert np.array_equal(before[untouched], after[untouched])


def test_a_covered_face_is_no_longer_found(told: dict[str, Any]) -> None:
    assert told["faces_found_again"] == 0


def test_the_head_of_a_person_is_covered_where_no_face_is_seen(told: dict[str, Any]) -> None:
    ((x1, y1, x2, y2),) = told["person"]
    left, top, right, third = 0.32 * 960, 0.2 * 540, 0.43 * 960, (0.2 + 0.66 / 3) * 540
    assert left - 20 < x1 < left
    assert right < x2 < right + 20
    assert top - 22 < y1 < top
    assert third < y2 < third + 22  # the upper third of the box, widened on every side


def test_who_stands_beside_is_covered_though_no_detector_asks_for_persons(told: dict[str, Any]) -> None:
    head, feet = told["beside_squares"]
    assert head < feet / 4  # a few squares against noise
    assert told["faint"] == []


def test_lettering_on_the_road_is_no_plate(told: dict[str, Any]) -> None:
    assert told["lettering"] == []


def test_the_frame_shows_zone_boxes_and_captions(told: dict[str, Any]) -> None:
    frame = Image.open(told["folder"] / "frame.jpg")
    assert frame.format == "JPEG"
    assert frame.width == 960
    assert frame.height > 540  # the captions lie below the picture, over nothing
    seen = np.asarray(frame.convert("RGB"), dtype=int)
    for colour, (x, y) in (
        (evidence.ZONE_COLOUR, told["zone_edge"]),
        (evidence.BOX_COLOUR, told["box_edge"]),
    ):
        around = seen[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3)
        assert np.abs(around - np.array(colour)).sum(axis=1).min() < 120, (colour, around)
    strip = seen[545:]
    assert (strip.sum(axis=2) > 600).mean() > 0.005  # letters


def test_captions_without_a_chinese_font_keep_what_ascii_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_chinese_font", lambda: "")
    assert evidence.printable("时间 2026-11-26 10:00") == "2026-11-26 10:00"
    assert evidence.printable("合欢苑") == ""
    strip = evidence._with_captions(Image.new("RGB", (320, 180)), {"小区": "合欢苑", "时间": "10:00"}, 12)
    assert strip.height == 180 + 17 + 12  # one line is left
    content = io.BytesIO()
    strip.save(content, "JPEG")
    assert content.getvalue()
