"""One look at one camera: from the claim to a settled round.

A still that is missing, broken, dark or the same as before says nothing about the place: it is neither a miss
of what stood there nor a clean round. It may say something about the camera.
"""

import hashlib
import io
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from PIL import Image

from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.settings import Settings
from citybrain.vision import signals
from citybrain.vision.boxes import Box
from citybrain.vision.camera_address import MissingStillError
from citybrain.vision.camera_http import MOST_BYTES
from citybrain.vision.cameras import Camera, camera
from citybrain.vision.detector_file import Detector, Zones
from citybrain.vision.originals import keep_original
from citybrain.vision.patches import patch_in
from citybrain.vision.pictures import Picture, UnusablePictureError, condition, read_picture
from citybrain.vision.registry import Finding, SeenObject, step
from citybrain.vision.rounds import NORMAL, Before, Round, remember, settle, supersede
from citybrain.vision.sight import Sight, Tools, second_look
from citybrain.vision.stills import Still, newest_still
from citybrain.vision.timetable import CITY_TIME
from citybrain.vision.work_list import LookClaim, return_look

Result = tuple[Round, Sequence[SeenObject], list[signals.Signal]]
"""A round, the objects as they are after it, and its signals."""

_PICTURE_KINDS = {"detected": "before", "cleared": "recheck"}
EXPERIMENTAL_NOTICE = "试验性识别，未经标注照片验证，须由人员核实"
_SINCE = {"detected": "最早发现", "cleared": "此前占用始于"}


def look(
    settings: Settings, connection: psycopg.Connection, tools: Tools, detector: Detector, claim: LookClaim
) -> Round | None:
    """Do a claimed look; None when it was not to be done any more or another worker settled it."""
    began = time.monotonic()
    place = camera(connection, detector.scenario, claim.camera_id)
    before = remember(connection, detector, claim.camera_id)
    if place is None:
        supersede(connection, claim, "the camera is not in the register any more")
        return None
    if before.newest_round is not None and claim.due_at <= before.newest_round:
        supersede(connection, claim, "a later round was done before")
        return None
    done, objects, told = _result(settings, tools, detector, place, before, claim.due_at, began)
    if settle(connection, claim, detector, place, before, done, objects, told):
        return done
    return_look(connection, claim, "another round came between")
    return None


def _result(
    settings: Settings,
    tools: Tools,
    detector: Detector,
    place: Camera,
    before: Before,
    due_at: datetime,
    began: float,
) -> Result:
    try:
        still = newest_still(settings, place.snapshot_url, due_at, detector.still.max_age)
    except MissingStillError as missing:
        done = Round("missing", missing.reason, missing.reason, time.monotonic() - began)
        return done, (), _health(detector, place, before, done, due_at)
    if before.newest_still is not None and still.taken_at <= before.newest_still:
        return _unusable(still, "repeated", None, began), (), []
    picture, wrong = _read(still, before, detector)
    if picture is None:
        done = _unusable(still, wrong, wrong, began)
        return done, (), _health(detector, place, before, done, due_at)
    return _seen(settings, tools, detector, place, before, due_at, still, picture, began)


def _read(still: Still, before: Before, detector: Detector) -> tuple[Picture | None, str]:
    """The picture as large as the network looks at it, or None and what is wrong with it."""
    if still.size > MOST_BYTES:
        return None, "too_large"
    try:
        picture = read_picture(still.content, detector.looks_at)
    except UnusablePictureError as error:
        return None, error.reason
    frozen = "frozen" if still.sha256 == before.newest_sha256 else ""
    wrong = condition(picture) or frozen
    return (None, wrong) if wrong else (picture, "")


def _unusable(still: Still, reason: str, told: str | None, began: float) -> Round:
    seconds = time.monotonic() - began
    return Round("unusable", reason, told, seconds, still_at=still.taken_at, sha256=still.sha256)


def _seen(
    settings: Settings,
    tools: Tools,
    detector: Detector,
    place: Camera,
    before: Before,
    due_at: datetime,
    still: Still,
    picture: Picture,
    began: float,
) -> Result:
    zones, sight = detector.zones(place.camera_id), tools.sight_of(detector)
    seen = sight.look(picture.image)
    boxes = detector.kept_at(place.camera_id, seen)
    confirm = second_look(sight, detector, picture.image)
    patch_of = patch_in(picture.image)
    change = step(detector, zones, before.memory, boxes, still.taken_at, confirm, patch_of)
    told = [
        signals.of_finding(
            detector,
            place,
            due_at,
            finding,
            still.taken_at,
            [_evidence(settings, tools, detector, boxes, seen, zones, place, still, finding)],
            sight.model,
            (picture.width, picture.height),
            keep_original(settings, still.content, due_at) if finding.kind == "detected" else None,
        )
        for finding in change.findings
    ]
    done = _round(change.occupied, still, boxes, sight, began)
    return done, change.objects, told + _health(detector, place, before, done, due_at)


def _round(occupied: bool, still: Still, boxes: Sequence[Box], sight: Sight, began: float) -> Round:
    return Round(
        "occupied" if occupied else "clean",
        "",
        NORMAL,
        time.monotonic() - began,
        still_at=still.taken_at,
        sha256=still.sha256,
        boxes=boxes,
        weights=sight.weights,
        weights_sha256=sight.sha256,
        device=sight.device,
    )


def _health(
    detector: Detector, place: Camera, before: Before, done: Round, due_at: datetime
) -> list[signals.Signal]:
    """One signal when a camera's condition is another than it was."""
    if done.condition is None or done.condition == before.condition:
        return []
    return [signals.of_health(detector, place, due_at, done.condition, done.still_at or due_at)]


def _evidence(
    settings: Settings,
    tools: Tools,
    detector: Detector,
    boxes: Sequence[Box],
    seen: Sequence[Box],
    zones: Zones,
    place: Camera,
    still: Still,
    finding: Finding,
) -> dict[str, Any]:
    """The picture of a finding for people, kept in the lake under its hash; the still itself is not kept.

    Who stands beside is covered whether the detector asks for persons or not.
    """
    thing = finding.thing
    zone = zones.get(thing.zone)
    whole = read_picture(still.content)
    captions = {
        "场景": detector.title.zh,
        "地点": place.place_name,
        "摄像机": f"{place.camera_name} {place.camera_id}",
        "拍摄时间": f"{still.taken_at.astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S}",
        _SINCE[finding.kind]: f"{thing.first_seen.astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S}",
    }
    if detector.is_experimental(thing.class_code):
        captions["提示"] = EXPERIMENTAL_NOTICE
    outline = zone.polygon if zone is not None else ()
    content = tools.draw(whole.image, boxes, outline, captions, detector.titles, seen)
    sha256 = hashlib.sha256(content).hexdigest()
    bucket, key = ensure_bucket(settings, "evidence"), f"{sha256[:2]}/{sha256}.jpg"
    with spool_folder(settings) as folder:
        spooled = spool([content], folder / "frame", settings.max_object_mb)
        create_object(settings, "evidence", key, spooled, {"content": "image/jpeg"})
    with Image.open(io.BytesIO(content)) as header:
        width, height = header.size
    kind = _PICTURE_KINDS[finding.kind]
    return {"bucket": bucket, "key": key, "sha256": sha256, "kind": kind, "width": width, "height": height}
