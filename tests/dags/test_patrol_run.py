"""`patrol_sweep` from its first run on, over the real database and a vision worker beside it."""

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image, ImageDraw

from citybrain.orchestration.patrolling import together
from citybrain.settings import DatabaseRole, Settings
from citybrain.stack import airflow
from citybrain.vision.timetable import CITY_TIME, newest_ticks
from standing_in import standing_in

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PROJECT = Path(__file__).parents[2]
WORKER = PROJECT / "tests" / "vision" / "drawn_worker.py"
SCHEDULE = "0 */6 * * *"  # rounds so far apart that none falls due while the test runs
CAMERA = "341602F901"

DETECTOR = f"""
schema: citybrain/detector@1
id: fire_lane_occupancy
scenario: fire_lane_occupancy
title: {{zh: 违规占用消防通道, en: Fire-lane occupation}}
provenance: source
origin: synthetic
model: {{name: drawn, imgsz: 640}}
classes: {{car: {{title: {{zh: 小型汽车, en: Car}}, min_score: 0.3, threshold: 0.5}}}}
dwell: {{minutes: 5, looks: 2, clear_after: 2, cool_down_minutes: 0, longest_gap_minutes: 1440}}
schedule: "{SCHEDULE}"
still: {{max_age_minutes: 10}}
cameras: {{{CAMERA}: {{lane: {{polygon: [[0.3, 0.2], [0.7, 0.2], [0.7, 1], [0.3, 1]]}}}}}}
"""
MARTS = {
    "dim_compound": "AS SELECT '341602C901' AS compound_id, '合欢苑' AS compound_name",
    "dim_camera": f"AS SELECT '{CAMERA}' AS camera_id, '合欢苑消防通道' AS camera_name,"
    " '341602C901' AS compound_id, 'fire_lane_occupancy' AS scenario, '341602001001' AS area_code,"
    " 115.78 AS lon, 33.85 AS lat,"
    f" 'folder:stills/{CAMERA}' AS snapshot_url, 'synthetic' AS origin, true AS enabled",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tmp_path.parent.chmod(0o755)
    shutil.copytree(
        PROJECT / "dags", tmp_path / "dags", ignore=shutil.ignore_patterns("*.yml", "__pycache__")
    )
    shutil.copytree(PROJECT / "docs" / "reference" / "dags", tmp_path / "docs" / "reference" / "dags")
    detector = tmp_path / "detectors" / "fire_lane_occupancy" / "detector.yml"
    detector.parent.mkdir(parents=True)
    detector.write_text(DETECTOR.lstrip(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def register(settings: Settings) -> Iterator[None]:
    """One camera, and no round of any other test."""
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute("TRUNCATE vision.look_request, vision.round, vision.seen_object, vision.worker")
    with standing_in(settings, MARTS, [DatabaseRole.WATCHER]):
        yield


@pytest.fixture
def worker(settings: Settings, desk: Settings, project: Path) -> Iterator[None]:
    environment = airflow.environment(settings) | {"CITYBRAIN_PROJECT": str(project)}
    with (settings.log_dir / "drawn-worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, WORKER], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        yield
        process.terminate()
        assert process.wait(timeout=60) == 0


def put_stills(settings: Settings, moment: datetime) -> None:
    """A car in the lane in the last three rounds, and in the one that may fall due meanwhile."""
    folder = settings.drops / "stills" / CAMERA
    folder.mkdir(parents=True)
    ticks = newest_ticks(SCHEDULE, moment, 3)
    for number, tick in enumerate([*ticks, ticks[-1] + timedelta(hours=6)]):
        image = Image.new("RGB", (640, 360), (120, 124, 128))
        draw = ImageDraw.Draw(image)
        for x in range(0, 640, 16):
            draw.line((x, 0, x, 360), fill=(60 + number, 60, 64))
        draw.rectangle((256, 144, 384, 288), fill=(255, 0, 0))
        stream = io.BytesIO()
        image.save(stream, "PNG")
        name = f"{tick.astimezone(CITY_TIME):%Y%m%dT%H%M%S%z}.png"
        (folder / name).write_bytes(stream.getvalue())


def test_the_first_run_makes_three_rounds_and_the_next_one_none(
    run_dags: Any,
    settings: Settings,
    project: Path,
    register: None,
    worker: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CITYBRAIN_DEMO", "false")  # the stills are the test's own
    put_stills(settings, datetime.now(UTC))
    first, second = run_dags(project, {"dag_id": "patrol_sweep"}, {"dag_id": "patrol_sweep"})
    assert set(first["tasks"].values()) == {"success"}
    figures = first["returned"]["wait_for_looks"]
    assert (figures["rounds"], figures["looks"], figures["occupied"]) == (3, 3, 3)
    assert (figures["signals"], figures["failed"]) == (1, 0)
    assert set(second["tasks"].values()) == {"skipped"}


def test_figures_of_rounds_add_up() -> None:
    one = {"looks": 28, "clean": 20, "occupied": 6, "unusable": 1, "missing": 1, "failed": 0}
    done = together([one | {"superseded": 0, "skipped": 0, "signals": 7, "seconds": 1.5}] * 2)
    assert (done["rounds"], done["looks"], done["signals"], done["seconds"]) == (2, 56, 14, 3.0)
