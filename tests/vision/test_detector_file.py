"""Detector files: what may stand in one, and that every fault names file, line and reason."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from patrol_city import write_detector

from citybrain.catalogue import ContentError
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.scenery import lane_of
from citybrain.vision.active import active_detectors
from citybrain.vision.boxes import Box
from citybrain.vision.case_file import detector_faults, detector_notes, run_cases
from citybrain.vision.detector_file import load_detector, load_detectors
from citybrain.vision.tiles import look_in_tiles
from citybrain.vision.zones import outline

SHIPPED = SOURCE_TREE / "detectors" / "fire_lane_occupancy" / "detector.yml"
ALL = sorted((SOURCE_TREE / "detectors").glob("*/detector.yml"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: fire_lane_occupancy", "id: another", "folder"),
        ("scenario: fire_lane_occupancy", "scenario: nothing_known", "no event scenario"),
        ("provenance: source", "provenance: completion", "the catalogue says source"),
        ("min_score: 0.35, threshold: 0.5}", "min_score: 0.6, threshold: 0.5}", "below min_score"),
        ('schedule: "*/5 * * * *"', 'schedule: "now and then"', "no cron expression"),
        ("imgsz: 640", "imgsz: 333", "multiple of 32"),
        ("[0.7, 0.2], [0.7, 1.0]", "[0.7, 1.0], [0.7, 0.2]", "crosses itself"),
        ("[0.7, 0.2], [0.7, 1.0]", "[0.7, 0.2], [0.7, 1.1]", "less than or equal to 1"),
        ("still: {max_age_minutes: 10}", "still: {max_age_minutes: 10, surprise: 1}", "surprise"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = write_detector(tmp_path, ["camera"])
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ContentError, match=reason) as error:
        load_detector(path)
    assert line in [found for found, _ in error.value.faults]


def test_a_zone_may_ask_for_some_classes_and_a_dwell_of_its_own(tmp_path: Path) -> None:
    path = write_detector(tmp_path, ["camera"])
    own = "{minutes: 1, looks: 1, clear_after: 5, cool_down_minutes: 0, longest_gap_minutes: 9}"
    text = path.read_text(encoding="utf-8").rstrip()
    path.write_text(f"{text[:-1]}, classes: [lorry], dwell: {own}}}\n", encoding="utf-8")
    detector = load_detector(path)
    zones = detector.zones("camera")
    assert detector.dwell_in(zones, "lane").clear_after == 5
    assert detector.dwell_in(zones, "").clear_after == 2
    assert detector.zone_of(zones, Box("lorry", 0.4, 0.4, 0.6, 0.8, 1)) == "lane"
    assert detector.zone_of(zones, Box("car", 0.4, 0.4, 0.6, 0.8, 1)) == ""


def test_an_edge_belongs_to_the_zone(tmp_path: Path) -> None:
    detector = load_detector(write_detector(tmp_path, ["camera"]))
    zones = detector.zones("camera")
    assert detector.zone_of(zones, Box("car", 0.4, 0.4, 0.6, 1.0, 1)) == "lane"
    assert detector.zone_of(zones, Box("car", 0.2, 0.4, 0.4, 0.8, 1)) == "lane"
    assert detector.zone_of(zones, Box("car", 0.2, 0.4, 0.38, 0.8, 1)) == ""


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.parent.name)
def test_the_shipped_cases_hold(path: Path) -> None:
    results = run_cases(path)
    assert len(results) >= (10 if path == SHIPPED else 2)
    assert [result.reason for result in results if result.reason] == []


def test_a_detector_without_weights_says_so_and_does_not_look(settings: Settings, tmp_path: Path) -> None:
    path = write_detector(tmp_path, ["camera"])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("imgsz: 640", "imgsz: 640, weights: city"), encoding="utf-8")
    (tmp_path / "models").mkdir()
    trial = settings.model_copy(update={"project": tmp_path, "models_folder": tmp_path / "models"})
    ((noted, line, reason),) = detector_notes(trial)
    assert (noted, line) == (path, 7)
    assert "weights called drawn" in reason
    assert active_detectors(trial) == {}
    (tmp_path / "models" / "drawn.pt").touch()
    assert list(detector_notes(trial)) == []
    assert list(active_detectors(trial)) == ["fire_lane_occupancy"]


def test_a_detector_without_a_camera_says_so_and_loads_no_network(settings: Settings, tmp_path: Path) -> None:
    path = write_detector(tmp_path, [])
    path.write_text(path.read_text(encoding="utf-8").rstrip() + " {}\n", encoding="utf-8")
    trial = settings.model_copy(update={"project": tmp_path, "models_folder": tmp_path / "models"})
    ((noted, _, reason),) = detector_notes(trial)
    assert noted == path
    assert "draws a zone" in reason
    assert active_detectors(trial) == {}


def test_what_is_experimental_is_called_so(tmp_path: Path) -> None:
    path = write_detector(tmp_path, ["camera"])
    text = path.read_text(encoding="utf-8").replace("en: Car}", "en: Car}, experimental: true", 1)
    path.write_text(text, encoding="utf-8")
    assert load_detector(path).titles == {"car": "小型汽车（试验）", "lorry": "货车"}


def test_a_mask_hides_what_stands_in_it(tmp_path: Path) -> None:
    path = write_detector(tmp_path, ["camera"])
    mask = "masks:\n  camera: [{polygon: [[0.3, 0.2], [0.5, 0.2], [0.5, 1], [0.3, 1]], classes: [car]}]\n"
    path.write_text(path.read_text(encoding="utf-8") + mask, encoding="utf-8")
    detector = load_detector(path)
    left, right = Box("car", 0.35, 0.4, 0.45, 0.8, 0.9), Box("car", 0.55, 0.4, 0.65, 0.8, 0.9)
    lorry = Box("lorry", 0.35, 0.4, 0.45, 0.8, 0.9)
    assert detector.kept_at("camera", [left, right, lorry]) == [right, lorry]
    assert detector.kept_at("another", [left]) == [left]


def test_a_wide_view_is_looked_at_in_tiles() -> None:
    """A look that sees only what is wider than a fifth of what it is shown: the tile shows it, once."""
    image = np.zeros((90, 160, 3), np.uint8)
    image[20:30, 40:64] = 255

    def look(part: np.ndarray) -> list[Box]:
        rows, columns = np.nonzero(part[:, :, 0])
        if not columns.size or (columns.max() + 1 - columns.min()) / part.shape[1] < 0.2:
            return []
        height, width = part.shape[:2]
        sides = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width)
        return [Box("car", *map(float, sides), float((rows.max() + 1) / height), score=0.9)]

    assert look(image) == []
    (found,) = look_in_tiles(look, image, 2, 2, 0.4)
    assert (round(found.x1 * 160), round(found.x2 * 160)) == (40, 64)
    assert (round(found.y1 * 90), round(found.y2 * 90)) == (20, 30)


def test_a_case_that_does_not_hold_is_a_fault(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.parent, tmp_path / "detectors" / "fire_lane_occupancy")
    settings = Settings(project=tmp_path)
    ((_, line, reason),) = detector_faults(settings)
    assert "no detectors/models/yard_vehicles" in reason and line > 1
    weights = tmp_path / "detectors" / "models" / "yard_vehicles" / "weights.pt"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert list(detector_faults(settings)) == []
    path = tmp_path / "detectors" / "fire_lane_occupancy" / "detector.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("dwell: {minutes: 5,", "dwell: {minutes: 6,"), encoding="utf-8")
    faults = list(detector_faults(settings))
    assert faults
    file, line, reason = faults[0]
    assert file.parent.name == "cases" and line > 1 and "comes" in reason


def test_the_lanes_are_those_of_the_demo_city() -> None:
    detector = load_detectors(Settings(project=SOURCE_TREE))["fire_lane_occupancy"]
    connected = [compound.camera_id for compound in load_compounds() if compound.connected]
    assert list(detector.cameras) == connected
    for camera in connected:
        drawn, rendered = (
            outline(detector.cameras[camera]["lane"].polygon),
            outline(tuple(map(tuple, lane_of(camera)))),
        )
        assert drawn.intersection(rendered).area / drawn.union(rendered).area > 0.97
