"""Cameras, stills whose vehicles are coloured rectangles, and the network that sees exactly those.

The stand-in is for the network only: stills are real files in a real folder, all else is the product's.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from PIL import Image, ImageDraw
from psycopg.rows import dict_row

from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.settings import DatabaseRole, Settings
from citybrain.vision.boxes import Box
from citybrain.vision.detector_file import Detector, load_detectors
from citybrain.vision.patrol import request_looks
from citybrain.vision.sight import Sight, Tools
from citybrain.vision.timetable import CITY_TIME
from citybrain.vision.worker import Worker
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter

CAMERAS = 3
DETECTOR, LANE = "fire_lane_occupancy", "lane"
COMPANY = ("000-TRIAL", "安居物业(示范)")
COMPOUND_ROWS = [("341602C001", "合欢苑", "341602001001", "341602", "花戏楼社区", *COMPANY)]
WIDTH, HEIGHT = 640, 360
START = datetime(2026, 11, 26, 8, 0, tzinfo=CITY_TIME)
FIVE = timedelta(minutes=5)
COLOURS = {"car": (255, 0, 0), "lorry": (0, 255, 0)}  # RGB, pure: nothing else in a still is
IN_LANE = (0.4, 0.4, 0.6, 0.8)
BESIDE = (0.02, 0.4, 0.18, 0.8)
SCORE = 0.9

DETECTOR_YML = """\
schema: citybrain/detector@1
id: fire_lane_occupancy
scenario: fire_lane_occupancy
title: {zh: 违规占用消防通道, en: Fire-lane occupation}
provenance: source
origin: synthetic
model: {name: drawn, imgsz: 640}
classes:
  car: {title: {zh: 小型汽车, en: Car}, min_score: 0.35, threshold: 0.5}
  lorry: {title: {zh: 货车, en: Lorry}, min_score: 0.35, threshold: 0.5}
dwell: {minutes: 5, looks: 2, clear_after: 2, cool_down_minutes: 0, longest_gap_minutes: 20}
schedule: "*/5 * * * *"
still: {max_age_minutes: 10}
cameras:
"""


def write_detector(project: Path, cameras: Sequence[str]) -> Path:
    """A project that holds one detector with the lane of each camera in the middle of its picture."""
    path = project / "detectors" / DETECTOR / "detector.yml"
    path.parent.mkdir(parents=True)
    lanes = "".join(
        f"  {camera}:\n    {LANE}: {{polygon: [[0.3, 0.2], [0.7, 0.2], [0.7, 1.0], [0.3, 1.0]]}}\n"
        for camera in cameras
    )
    path.write_text(DETECTOR_YML + lanes, encoding="utf-8")
    return path


def camera_rows(cameras: Sequence[str]) -> list[tuple[object, ...]]:
    return [
        (
            camera,
            f"{camera}消防通道",
            "341602C001",
            DETECTOR,
            "341602001001",
            115.78,
            33.85,
            f"folder:stills/{camera}",
            "synthetic",
            True,
        )
        for camera in cameras
    ]


def only_cameras(settings: Settings, rows: Sequence[tuple[object, ...]]) -> None:
    """The register has these cameras alone, and no look or photo of another test waits."""
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as dbt:
        dbt.execute("DELETE FROM marts.dim_camera")
        dbt.cursor().executemany(
            "INSERT INTO marts.dim_camera VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", rows
        )
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute(
            "TRUNCATE vision.look_request, vision.round, vision.seen_object, vision.recheck, vision.worker"
        )


def picture(*things: tuple[str, tuple[float, float, float, float]], grain: int = 0) -> bytes:
    """A PNG: grey ground with lines, and a rectangle for each thing. `grain` makes it another file."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (120, 124, 128))
    draw = ImageDraw.Draw(image)
    for x in range(0, WIDTH, 16):
        draw.line((x, 0, x, HEIGHT), fill=(60, 60, 64))
    draw.rectangle((0, 0, 5, 5), fill=(grain % 200, grain // 200 % 200, 90))
    for class_code, (x1, y1, x2, y2) in things:
        corners = (round(x1 * WIDTH), round(y1 * HEIGHT), round(x2 * WIDTH) - 1, round(y2 * HEIGHT) - 1)
        draw.rectangle(corners, fill=COLOURS[class_code])
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def black() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (3, 3, 3)).save(stream, "PNG")
    return stream.getvalue()


def see(image: np.ndarray) -> list[Box]:
    """The drawn rectangles of a BGR picture: one box a colour."""
    boxes = []
    for class_code, (red, green, blue) in COLOURS.items():
        rows, columns = np.nonzero((image == (blue, green, red)).all(axis=2))
        if rows.size:
            height, width = image.shape[:2]
            sides = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width)
            boxes.append(Box(class_code, *map(float, sides), float((rows.max() + 1) / height), score=SCORE))
    return boxes


def draw(
    image: np.ndarray,
    _boxes: Sequence[Box],
    _zone: Sequence[Sequence[float]],
    captions: Mapping[str, str],
    _titles: Mapping[str, str],
    _seen: Sequence[Box],
) -> bytes:
    """An evidence JPEG; the captions stand in its comment."""
    stream = io.BytesIO()
    Image.fromarray(image[:, :, ::-1]).save(stream, "JPEG", comment=str(dict(captions)).encode())
    return stream.getvalue()


def drawn_tools(_settings: Settings | None = None) -> Tools:
    sight = Sight(see, "drawn", hashlib.sha256(b"drawn").hexdigest(), "cpu")
    return Tools(lambda _detector: sight, draw)


@dataclass(frozen=True)
class City:
    """Settings over a trial project, a connection as the watcher, and the cameras of one test."""

    settings: Settings
    watcher: psycopg.Connection
    cameras: list[str]

    @property
    def camera(self) -> str:
        return self.cameras[0]

    @property
    def detector(self) -> Detector:
        return load_detectors(self.settings)[DETECTOR]

    def worker(self, name: str = "test") -> Worker:
        return Worker(name, self.settings, drawn_tools(), load_detectors(self.settings))

    def put_still(self, at: datetime, content: bytes, camera: str | None = None) -> Path:
        folder = self.settings.drops / "stills" / (camera or self.camera)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{at.astimezone(CITY_TIME):%Y%m%dT%H%M%S%z}.png"
        path.write_bytes(content)
        return path

    def show(self, *frames: bytes | None, camera: str | None = None, first: int = 0) -> None:
        """A still every five minutes from START on; None for none."""
        for number, content in enumerate(frames, first):
            if content is not None:
                self.put_still(START + number * FIVE, content, camera)

    def ask(self, rounds: int, cameras: Sequence[str] | None = None, first: int = 0) -> None:
        for number in range(first, first + rounds):
            request_looks(self.settings, self.detector, START + number * FIVE, cameras or [self.camera])

    def work(self) -> None:
        """Until nothing waits, in this process."""
        worker = self.worker()
        while worker.work_once(self.watcher):
            pass

    def patrol(self, *frames: bytes | None, first: int = 0) -> None:
        self.show(*frames, first=first)
        self.ask(len(frames), first=first)
        self.work()

    def outcomes(self, camera: str | None = None) -> list[tuple[str, str]]:
        """Outcome and reason of each round of a camera."""
        return self.watcher.execute(
            "SELECT outcome, reason FROM vision.round WHERE camera_id = %s ORDER BY at",
            (camera or self.camera,),
        ).fetchall()  # type: ignore[return-value]

    def objects(self) -> list[dict[str, Any]]:
        with self.watcher.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                "SELECT * FROM vision.seen_object WHERE camera_id = %s ORDER BY seen_object_id",
                (self.camera,),
            ).fetchall()

    def signals(self, camera: str | None = None) -> list[dict[str, Any]]:
        """The signals of a camera as the desk reads them."""
        with connect(self.settings, DatabaseRole.DESK) as desk:
            enter(desk, SYSTEM)
            with desk.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(
                    "SELECT * FROM ops.signal WHERE source_id = %s ORDER BY observed_at, kind, class_code",
                    (camera or self.camera,),
                ).fetchall()

    def told(self, camera: str | None = None) -> list[tuple[str, str, int]]:
        """Kind, class and minute of each signal."""
        return [
            (row["kind"], row["class_code"], int((row["observed_at"] - START).total_seconds() // 60))
            for row in self.signals(camera)
        ]

    def hand_in(self, content: bytes, zone: str = LANE, camera: str | None = None, **changes: str) -> str:
        """A handler's photo in the lake and the desk's request to judge it; its key."""
        sha256 = hashlib.sha256(content).hexdigest()
        bucket, key = ensure_bucket(self.settings, "evidence"), f"{sha256[:2]}/{sha256}.jpg"
        with spool_folder(self.settings) as folder:
            spooled = spool([content], folder / "photo", self.settings.max_object_mb)
            create_object(self.settings, "evidence", key, spooled, {"content": "image/jpeg"})
        asked = {
            "key": f"{camera or self.camera}:{sha256}",
            "scenario": DETECTOR,
            "camera_id": camera or self.camera,
            "zone": zone,
            "bucket": bucket,
            "object_key": key,
            "sha256": sha256,
            **changes,
        }
        with connect(self.settings, DatabaseRole.DESK, autocommit=True) as desk:
            desk.execute(
                "INSERT INTO vision.recheck (key, scenario, camera_id, zone, bucket, object_key, sha256)"
                " VALUES (%(key)s, %(scenario)s, %(camera_id)s, %(zone)s, %(bucket)s, %(object_key)s,"
                " %(sha256)s)",
                asked,
            )
        return asked["key"]

    def verdict(self, key: str) -> dict[str, Any]:
        with self.watcher.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute("SELECT * FROM vision.recheck WHERE key = %s", (key,)).fetchone()
        assert found is not None
        return found
