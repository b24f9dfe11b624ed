"""The demo city's camera stills: the planted stories, and writing them once and whole."""

import io
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import shapely
from PIL import Image
from typer.testing import CliRunner

from citybrain.cli.simulate import app
from citybrain.settings import Settings
from citybrain.simulate import stills as stills_module
from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.scenery import Light, lane_of, yard_of
from citybrain.simulate.scenery.scene import seen_boxes
from citybrain.simulate.stills import SHANGHAI, empty_yard, stills_dir, stills_truth_dir, write_stills
from citybrain.simulate.stories import light_at, load_stories, stories_of_day

AT = datetime(2026, 3, 18, 10, 0, tzinfo=SHANGHAI)
CAMERAS = [compound.camera_id for compound in load_compounds() if compound.connected]
STORIES = {camera: story.name for camera, story in stories_of_day(7, AT.date()).items()}
CLEAN = [camera for camera in CAMERAS if camera not in STORIES]
WATCHED = {*STORIES, *CLEAN[:2]}


def bare_settings(home: Path) -> Settings:
    return Settings(home=home, demo_seed=7, drop_folder=None)


def files_of(settings: Settings) -> dict[str, bytes]:
    return {
        str(path.relative_to(stills_dir(settings))): path.read_bytes()
        for path in sorted(stills_dir(settings).rglob("*"))
        if path.is_file()
    }


def truth_of(settings: Settings) -> dict[tuple[str, int], dict[str, object]]:
    lines = [
        json.loads(line)
        for path in sorted(stills_truth_dir(settings).glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return {(line["camera_id"], line["round"]): line for line in lines}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Opening rounds and one more of the cameras with a story and two others; nothing changes it."""
    settings = bare_settings(tmp_path_factory.mktemp("stills"))
    watched = tuple(compound for compound in load_compounds() if compound.camera_id in WATCHED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stills_module, "load_compounds", lambda: watched)
        assert write_stills(settings, AT).rounds == 3
        assert write_stills(settings, AT + timedelta(minutes=1)).rounds == 0
        assert write_stills(settings, AT + timedelta(minutes=3)).rounds == 1
    return settings


def test_the_stories_of_a_day_are_spread_over_cameras() -> None:
    today, tomorrow = stories_of_day(7, AT.date()), stories_of_day(7, AT.date() + timedelta(days=1))
    counts = Counter(story.name for story in today.values())
    assert counts == {story.name: story.cameras for story in load_stories().stories}
    assert today == stories_of_day(7, AT.date())
    assert list(today) != list(tomorrow)


def test_light_follows_the_hour() -> None:
    assert light_at(7, AT.replace(hour=23)) is Light.NIGHT
    assert light_at(7, AT.replace(hour=19)) is Light.DUSK
    noons = Counter(light_at(7, AT.replace(hour=12) + timedelta(days=day)) for day in range(200))
    assert set(noons) == {Light.DAY, Light.RAIN}
    assert noons[Light.DAY] > noons[Light.RAIN]


def test_opening_rounds_reach_back_so_that_a_dwell_is_seen(opened: Settings) -> None:
    names = [path.name for path in sorted((stills_dir(opened) / CLEAN[0]).iterdir())]
    assert names == [
        "20260318T095200+0800.jpg",
        "20260318T095600+0800.jpg",
        "20260318T100000+0800.jpg",
        "20260318T100300+0800.jpg",
    ]


def test_each_story_plays_as_planned(opened: Settings) -> None:
    truth = truth_of(opened)
    for camera in WATCHED:
        seen = [truth[camera, number]["in_lane"] for number in range(4) if (camera, number) in truth]
        match STORIES.get(camera):
            case "blocked":
                assert seen == [1, 1, 1, 0]
            case "passing":
                assert seen == [0, 1, 0, 0]
            case "stale":
                assert seen == [0]
                (only,) = (stills_dir(opened) / camera).iterdir()
                assert only.name == "20260318T090700+0800.jpg"
            case _:
                assert seen == [0, 0, 0, 0]


def test_boxes_of_the_truth_agree_with_the_lane(opened: Settings) -> None:
    for (camera, _), still in truth_of(opened).items():
        zone = shapely.Polygon(lane_of(camera))
        for _code, x1, y1, x2, y2, place in still["boxes"]:  # type: ignore[attr-defined]
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            if place == "lane":
                assert zone.covers(shapely.Point((x1 + x2) / 2, y2))


def test_a_blocking_vehicle_stays_where_it_is(opened: Settings) -> None:
    truth = truth_of(opened)
    for camera in (camera for camera, story in STORIES.items() if story == "blocked"):
        boxes = {
            tuple(box)
            for number in range(3)
            for box in truth[camera, number]["boxes"]
            if box[-1] == "lane"  # type: ignore[attr-defined]
        }
        assert len(boxes) == 1


def test_faults_are_faults(opened: Settings) -> None:
    by_story = {story: camera for camera, story in STORIES.items()}
    black = stills_dir(opened) / by_story["black"] / "20260318T100000+0800.jpg"
    with Image.open(black) as image:
        assert sum(image.convert("L").histogram()[:24]) > 0.97 * image.width * image.height
    broken = stills_dir(opened) / by_story["truncated"] / "20260318T100000+0800.jpg"
    with Image.open(broken) as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_truth_stays_out_of_the_stills(opened: Settings) -> None:
    assert all(name.endswith("+0800.jpg") for name in files_of(opened))
    assert stills_dir(opened) not in stills_truth_dir(opened).parents


def test_every_camera_has_room_for_a_vehicle_in_its_lane() -> None:
    for day in range(3):
        for number, camera in enumerate(CAMERAS):
            yard = yard_of(camera)
            vehicles = stills_module._in_lane(yard, (7, AT.toordinal() + day, number, 83))
            assert len(seen_boxes(yard, vehicles)) == 1


@pytest.fixture
def few_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cameras instead of 28: what is tested is the writing, not the pictures."""
    connected = [compound for compound in load_compounds() if compound.connected]
    monkeypatch.setattr(stills_module, "load_compounds", lambda: tuple(connected[:4]))


@pytest.mark.usefixtures("few_cameras")
def test_a_killed_run_is_completed_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, killed = bare_settings(tmp_path / "whole"), bare_settings(tmp_path / "killed")
    write_stills(whole, AT)
    count = len(files_of(whole))
    real, calls = Path.replace, []

    def dies_at_the_fifth_still(source: Path, target: Path) -> Path:
        calls.append(target)
        if sum(path.suffix == ".jpg" for path in calls) == 5:
            raise KeyboardInterrupt
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies_at_the_fifth_still)
        with pytest.raises(KeyboardInterrupt):
            write_stills(killed, AT)
    left = [name for name in files_of(killed) if name.endswith(".part")]
    assert len(left) == 1
    report = write_stills(killed, AT + timedelta(seconds=20))
    assert len(report.stills) == count - 4
    assert files_of(killed) == files_of(whole)
    assert truth_of(killed) == truth_of(whole)


@pytest.mark.usefixtures("few_cameras")
def test_files_that_exist_are_kept_and_old_ones_go(tmp_path: Path) -> None:
    settings = bare_settings(tmp_path)
    write_stills(settings, AT)
    first = sorted(files_of(settings))[0]
    assert write_stills(settings, AT).stills == []
    late = write_stills(settings, AT + timedelta(hours=23), rounds=2, every_minutes=5)
    assert late.rounds == 2
    assert late.pruned == 0
    gone = write_stills(settings, AT + timedelta(days=1, hours=1))
    assert gone.pruned > 0
    assert first not in files_of(settings)
    assert {path.stem for path in stills_truth_dir(settings).glob("*.jsonl")} == {
        "20260319T085500",
        "20260319T090000",
        "20260319T110000",
    }


def test_an_empty_yard_is_a_picture_of_the_same_place_without_a_vehicle_in_the_lane() -> None:
    first, second = empty_yard(CAMERAS[1], 1), empty_yard(CAMERAS[1], 2)
    assert first == empty_yard(CAMERAS[1], 1)
    assert first != second
    with Image.open(io.BytesIO(first)) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (960, 540))


@pytest.mark.usefixtures("few_cameras")
def test_the_verb_writes_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citybrain.cli.simulate.get_settings", lambda: bare_settings(tmp_path))
    done = CliRunner().invoke(app, ["stills", "--at", "2026-03-18T10:00", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert report["rounds"] == 3
    assert len(report["stills"]) == len(files_of(bare_settings(tmp_path)))


def test_the_scenes_verb_writes_pictures_and_their_truth(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["scenes", str(tmp_path), "--count", "2", "--seed", "5"])
    assert done.exit_code == 0, done.output
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [line["file"] for line in truth] == ["000001.jpg", "000002.jpg"]
    assert all((tmp_path / line["file"]).exists() for line in truth)
