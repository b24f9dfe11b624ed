"""What a look tells the desk: rows of `ops.signal`, each under a key that the same look makes again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from citybrain.vision.cameras import Camera
from citybrain.vision.detector_file import Detector
from citybrain.vision.registry import Finding
from citybrain.vision.timetable import CITY_TIME

_COLUMNS = (
    *("key", "scenario", "class_code", "kind", "source_kind", "source_id", "zone", "place_id", "place_name"),
    *("area_code", "lon", "lat", "observed_at", "score", "evidence", "detail", "model", "origin"),
)
_ADD = (
    f"INSERT INTO ops.signal ({', '.join(_COLUMNS)})"  # noqa: S608 - the names stand above
    f" VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)}) ON CONFLICT (key) DO NOTHING"
)


@dataclass(frozen=True)
class Signal:
    """One row to be added; `evidence` are objects of the lake, `model` is the weights' name and hash."""

    key: str
    class_code: str
    kind: Literal["detected", "cleared", "health"]
    zone: str
    observed_at: datetime
    score: float | None = None
    evidence: Sequence[dict[str, Any]] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    model: str = ""


def of_finding(
    detector: Detector,
    camera: Camera,
    due_at: datetime,
    finding: Finding,
    observed_at: datetime,
    evidence: Sequence[dict[str, Any]],
    model: str,
    frame: tuple[int, int],
    original: str | None = None,
) -> Signal:
    """The signal of something that stands where nothing may stand, or has gone; `frame` is the width and the
    height of the camera's picture in pixels, `original` the key of its still in the bucket `originals`.
    """
    thing = finding.thing
    anchor = thing.anchor
    detail: dict[str, Any] = {
        "camera_name": camera.camera_name,
        "round": due_at.isoformat(),
        "first_seen": thing.first_seen.isoformat(),
        "last_seen": thing.last_seen.isoformat(),
        "looks": thing.hits,
        "median_score": round(thing.score, 4),
        "box": [round(side, 4) for side in (anchor.x1, anchor.y1, anchor.x2, anchor.y2)],
        "frame": list(frame),
    }
    if finding.second_score is not None:
        detail["second_look_score"] = round(finding.second_score, 4)
    if original is not None:
        detail["original"] = original
    if detector.is_experimental(thing.class_code):
        detail["experimental"] = True
    if finding.again:
        detail["still_there_after_photo"] = True
    return Signal(
        key=f"{_prefix(detector, camera, due_at)}:{thing.zone}:{thing.class_code}:{finding.kind}",
        class_code=thing.class_code,
        kind=finding.kind,
        zone=thing.zone,
        observed_at=observed_at,
        score=round(thing.score, 4) if finding.kind == "detected" else None,
        evidence=evidence,
        detail=detail,
        model=model,
    )


def of_health(
    detector: Detector, camera: Camera, due_at: datetime, condition: str, observed_at: datetime
) -> Signal:
    """What a camera shows of itself: `normal`, or why it sees nothing."""
    detail = {"camera_name": camera.camera_name, "round": due_at.isoformat()}
    key = f"{_prefix(detector, camera, due_at)}:health"
    return Signal(key, condition, "health", "", observed_at, detail=detail)


def add(connection: psycopg.Connection, detector: Detector, camera: Camera, signal: Signal) -> None:
    """Add a signal in the current transaction; the same key again adds nothing."""
    synthetic = "synthetic" in (camera.origin, detector.origin)
    connection.execute(
        _ADD.encode(),
        {
            "key": signal.key,
            "scenario": detector.scenario,
            "class_code": signal.class_code,
            "kind": signal.kind,
            "source_kind": "video",
            "source_id": camera.camera_id,
            "zone": signal.zone,
            "place_id": camera.place_id,
            "place_name": camera.place_name,
            "area_code": camera.area_code,
            "lon": camera.lon,
            "lat": camera.lat,
            "observed_at": signal.observed_at,
            "score": signal.score,
            "evidence": Jsonb(list(signal.evidence)),
            "detail": Jsonb(signal.detail),
            "model": signal.model,
            "origin": "synthetic" if synthetic else "real",
        },
    )


def _prefix(detector: Detector, camera: Camera, due_at: datetime) -> str:
    return f"{detector.id}:{camera.camera_id}:{due_at.astimezone(CITY_TIME).isoformat()}"
