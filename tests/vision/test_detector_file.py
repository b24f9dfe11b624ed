"""Detector files: what may stand in one, and that every fault names file, line and reason."""

import shutil
from pathlib import Path

import pytest
from patrol_city import write_detector

from citybrain.catalogue import ContentError
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.scenery import lane_of
from citybrain.vision.boxes import Box
from citybrain.vision.case_file import detector_faults, run_cases
from citybrain.vision.detector_file import load_detector, load_detectors
from citybrain.vision.zones import outline

SHIPPED = SOURCE_TREE / "detectors" / "fire_lane_occupancy" / "detector.yml"


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


def test_the_shipped_cases_hold() -> None:
    results = run_cases(SHIPPED)
    assert len(results) >= 10
    assert [result.reason for result in results if result.reason] == []


def test_a_case_that_does_not_hold_is_a_fault(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.parent, tmp_path / "detectors" / "fire_lane_occupancy")
    settings = Settings(project=tmp_path)
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
