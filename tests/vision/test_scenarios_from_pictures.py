"""Each scenario that pictures tell, from the bytes of stills to a closed case; a near-miss opens none.

The files of the detectors are those of the product, with cameras of the test; a network that reads what the
test has drawn stands in for weights that the city brings.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patrol_city import IN_LANE, START, City, camera_rows, draw, only_cameras, picture, see
from ruamel.yaml import YAML

from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings, get_settings
from citybrain.vision.boxes import Box
from citybrain.vision.detector_file import load_detectors
from citybrain.vision.patrol import request_looks
from citybrain.vision.sight import Sight, Tools
from citybrain.vision.worker import Worker
from citybrain.warehouse.connection import connect
from closing import close

pytestmark = pytest.mark.integration
ZONE = "watched"


@dataclass(frozen=True)
class Seen:
    """A detector, the class of what is drawn, minutes between two stills, and how many tell of it."""

    detector: str
    scenario: str
    class_code: str
    minutes: int
    looks: int


TABLE = (
    Seen("fire_lane_occupancy", "fire_lane_occupancy", "car", 5, 2),
    Seen("street_order", "street_order", "exposed_rubbish", 15, 3),
    Seen("ebike_in_building", "ebike_in_building", "two_wheeler", 1, 2),
    Seen("straw_burning_ban", "straw_burning_ban", "smoke", 2, 2),
    Seen("river_floating_debris", "river_lake_four_disorders", "floating_debris", 20, 4),
)


@pytest.fixture(params=TABLE, ids=lambda seen: seen.detector)
def seen(request: pytest.FixtureRequest) -> Seen:
    found: Seen = request.param
    return found


@pytest.fixture
def place(seen: Seen, register: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """Two cameras under the product's detector, nothing of another test waiting."""
    from citybrain.desk.accounts.sync import sync

    cameras = [f"{uuid.uuid4().hex[:6]}F{number:03}" for number in range(2)]
    only_cameras(register, [(*row[:3], seen.scenario, *row[4:]) for row in camera_rows(cameras)])
    write_detector(tmp_path / "project", seen, cameras)
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(tmp_path / "project"))
    monkeypatch.setenv("CITYBRAIN_DROP_FOLDER", str(tmp_path / "drop"))
    get_settings.cache_clear()
    sync(register)
    with connect(get_settings(), DatabaseRole.WATCHER, autocommit=True) as watcher:
        yield City(get_settings(), watcher, cameras)
    get_settings.cache_clear()


def write_detector(project: Path, seen: Seen, cameras: list[str]) -> None:
    """The product's file, with what is drawn for a network and the cameras of the test."""
    yaml = YAML()
    file = SOURCE_TREE / "detectors" / seen.detector / "detector.yml"
    content = yaml.load(file.read_text(encoding="utf-8"))
    content["model"] = {"name": "drawn", "imgsz": 640}
    outline = [[0.3, 0.2], [0.7, 0.2], [0.7, 1.0], [0.3, 1.0]]
    content["cameras"] = {camera: {ZONE: {"polygon": outline}} for camera in cameras}
    path = project / "detectors" / seen.detector / "detector.yml"
    path.parent.mkdir(parents=True)
    yaml.dump(content, path)


def worker(place: City, seen: Seen) -> Worker:
    def look(image: np.ndarray) -> list[Box]:
        return [Box(seen.class_code, one.x1, one.y1, one.x2, one.y2, score=one.score) for one in see(image)]

    sight = Sight(look, "drawn", hashlib.sha256(b"drawn").hexdigest(), "cpu")
    tools = Tools(lambda _detector: sight, draw)
    return Worker("test", place.settings, tools, load_detectors(place.settings))


def patrol(place: City, seen: Seen, camera: str, stills: list[bool]) -> None:
    """A still for each round, with the thing in it or without it."""
    detector, step = load_detectors(place.settings)[seen.detector], timedelta(minutes=seen.minutes)
    for number, there in enumerate(stills):
        things = [("car", IN_LANE)] if there else []
        place.put_still(START + number * step, picture(*things, grain=number), camera)
        request_looks(place.settings, detector, START + number * step, [camera])
    while worker(place, seen).work_once(place.watcher):
        pass


def cases(camera: str) -> list[Any]:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        return list(Case.objects.filter(source_id=camera))


def test_stills_become_a_case_that_is_closed_and_a_near_miss_becomes_none(place: City, seen: Seen) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.scope import as_system
    from citybrain.events.verdicts import follow_verdicts

    wrong, near = place.cameras
    patrol(place, seen, wrong, [True] * seen.looks)
    patrol(place, seen, near, [True] * (seen.looks - 1) + [False] * 3)
    while take_in():
        pass
    (case,) = cases(wrong)
    assert cases(near) == []
    assert case.scenario == seen.scenario and case.place_name
    with as_system():
        assert case.evidence.filter(kind="before").count() == 1
    actions = close(case, after=picture(grain=99))
    if actions[-1] == "handle":  # a machine looks at the photo
        while worker(place, seen).work_once(place.watcher):
            pass
        assert dict(follow_verdicts()) == {"pass_check": 1}
    (case,) = cases(wrong)
    assert case.state == "closed" and not case.forced
