"""A drawn still is looked at by the network that ships, becomes a case, and is closed by an after-photo.

What no weights ship for is skipped, and said so; a network that reads what is drawn proves the rest of such a
detector's way in test_scenarios_from_pictures.py.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from drawn_street import street_still
from patrol_city import START, City, camera_rows, only_cameras
from ruamel.yaml import YAML
from vision_python import needs_vision, run_there

from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings, get_settings
from citybrain.simulate.scenery import Light, place_vehicles, random_yard, render
from citybrain.vision.detector_file import Detector, load_detectors
from citybrain.vision.patrol import request_looks
from citybrain.vision.weights import is_available
from citybrain.warehouse.connection import connect
from closing import close

pytestmark = [pytest.mark.integration, pytest.mark.slow, needs_vision]
DETECTORS = sorted(path.parent.name for path in (SOURCE_TREE / "detectors").glob("*/detector.yml"))
YARD, STANDING = 7_100_000, 3  # seeds of a yard that no training draws, and of what stands in it


@dataclass(frozen=True)
class Scenery:
    """Stills for a network: `draw(wrong, grain)` draws one, a thing in `zone` ([x, y] fractions) where it is
    wrong; `minutes` lie between two, and `looks` of them make a signal.
    """

    draw: Callable[[bool, int], bytes]
    zone: list[list[float]]
    minutes: int
    looks: int


def yard_still(wrong: bool, grain: int) -> bytes:
    """The yard by day: cars in the bays, and one in the lane where something is wrong."""
    yard = random_yard(YARD)
    vehicles = place_vehicles(yard, STANDING, in_lane=int(wrong), in_bays=2)
    return render(yard, vehicles, Light.DAY, YARD + grain).jpeg()


LANE = [[float(x), float(y)] for x, y in random_yard(YARD).zone]
PAVEMENT = [[0.15, 0.5], [0.85, 0.5], [0.85, 1.0], [0.15, 1.0]]
SCENERY = {
    "yard_vehicles": Scenery(yard_still, LANE, minutes=5, looks=2),
    "garbage_street": Scenery(street_still, PAVEMENT, minutes=15, looks=3),
}


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest, settings: Settings) -> Detector:
    found = load_detectors(settings.model_copy(update={"project": SOURCE_TREE}))[request.param]
    if not is_available(settings.model_copy(update={"project": SOURCE_TREE}), found.model.name):
        pytest.skip(f"weights not shipped: {found.model.name}")
    if found.model.name not in SCENERY:
        pytest.skip(f"nothing draws stills for {found.model.name}")
    return found


@pytest.fixture
def place(
    detector: Detector, register: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[City]:
    """Two cameras before one place, under the product's detector and weights."""
    from citybrain.desk.accounts.sync import sync

    cameras = [f"{uuid.uuid4().hex[:6]}F{number:03}" for number in range(2)]
    only_cameras(register, [(*row[:3], detector.scenario, *row[4:]) for row in camera_rows(cameras)])
    write_detector(tmp_path / "project", detector, cameras)
    monkeypatch.setenv("CITYBRAIN_PROJECT", str(tmp_path / "project"))
    monkeypatch.setenv("CITYBRAIN_DROP_FOLDER", str(tmp_path / "drop"))
    get_settings.cache_clear()
    sync(register)
    with connect(get_settings(), DatabaseRole.WATCHER, autocommit=True) as watcher:
        yield City(get_settings(), watcher, cameras)
    get_settings.cache_clear()


def write_detector(project: Path, detector: Detector, cameras: list[str]) -> None:
    """The product's file and weights, with the cameras of the test."""
    yaml, shipped = YAML(), SOURCE_TREE / "detectors"
    content = yaml.load((shipped / detector.id / "detector.yml").read_text(encoding="utf-8"))
    outline = SCENERY[detector.model.name].zone
    content["cameras"] = {camera: {"watched": {"polygon": outline}} for camera in cameras}
    path = project / "detectors" / detector.id / "detector.yml"
    path.parent.mkdir(parents=True)
    yaml.dump(content, path)
    (project / "detectors" / "models").symlink_to(shipped / "models")


def patrol(place: City, detector: Detector, camera: str, stills: list[bool]) -> None:
    """A still a round, with something wrong in it or not."""
    scenery = SCENERY[detector.model.name]
    for number, wrong in enumerate(stills):
        at = START + timedelta(minutes=scenery.minutes * number)
        place.put_still(at, scenery.draw(wrong, number), camera)
        request_looks(place.settings, load_detectors(place.settings)[detector.id], at, [camera])


def cases(camera: str) -> list[Any]:
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        return list(Case.objects.filter(source_id=camera))


def test_drawn_stills_become_a_case_that_an_after_photo_closes(place: City, detector: Detector) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.verdicts import follow_verdicts

    wrong, near = place.cameras
    scenery = SCENERY[detector.model.name]
    patrol(place, detector, wrong, [True] * scenery.looks)
    patrol(place, detector, near, [True] * (scenery.looks - 1) + [False] * 2)
    told = run_there("patrolling.py", place.settings.home, seconds=300)
    assert (told["looks"], told["errors"]) == (2 * scenery.looks + 1, [])
    while take_in():
        pass
    (case,) = cases(wrong)
    assert cases(near) == []
    assert case.scenario == detector.scenario and case.place_name
    if close(case, after=scenery.draw(False, 99))[-1] == "handle":  # a machine looks at the photo
        assert run_there("patrolling.py", place.settings.home, seconds=300)["rechecks"] == 1
        assert dict(follow_verdicts()) == {"pass_check": 1}
    (case,) = cases(wrong)
    assert case.state == "closed" and not case.forced
