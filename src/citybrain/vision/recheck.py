"""A handler's photo, judged by the detector that found the case; the desk acts on the verdict.

A handler stands where he likes, so any vehicle that stands in the zone of the camera's picture counts. A
photo that shows the place clear is compared with what the camera has seen since it was handed in.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from citybrain.lake import LakeError, download, spool_folder
from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.camera_address import MissingStillError
from citybrain.vision.cameras import camera
from citybrain.vision.detector_file import Detector, Zones
from citybrain.vision.pictures import Picture, UnusablePictureError, condition, read_picture
from citybrain.vision.sight import Sight, Tools
from citybrain.vision.stills import newest_still
from citybrain.vision.work_list import RecheckClaim

Word = Literal["clear", "occupied", "unreadable", "doubtful"]

_ANSWER = """
UPDATE vision.recheck SET state = %(state)s, verdict = %(verdict)s, detail = %(detail)s, done_at = now()
WHERE id = %(id)s AND state = 'pending' AND claimed_by = %(worker)s
"""


@dataclass(frozen=True)
class Judgement:
    """`verdict` None: nobody could judge, a person has to; `detail` says why, or what was seen."""

    verdict: Word | None
    detail: dict[str, Any] = field(default_factory=dict)


def recheck(
    settings: Settings,
    connection: psycopg.Connection,
    tools: Tools,
    detectors: dict[str, Detector],
    claim: RecheckClaim,
) -> Judgement | None:
    """Judge a claimed photo and write the verdict; None when another worker has answered."""
    detector = next(
        (
            one
            for one in detectors.values()
            if one.scenario == claim.scenario and claim.zone in one.cameras.get(claim.camera_id, {})
        ),
        None,
    )
    if detector is None:
        judged = Judgement(None, {"error": f"no detector has the zone {claim.zone} of {claim.camera_id}"})
    else:
        judged = _judge(settings, connection, tools, detector, claim)
    answer = {
        "state": "failed" if judged.verdict is None else "done",
        "verdict": judged.verdict,
        "detail": Jsonb(judged.detail),
        "id": claim.id,
        "worker": claim.claimed_by,
    }
    return judged if connection.execute(_ANSWER, answer).rowcount == 1 else None


def _judge(
    settings: Settings,
    connection: psycopg.Connection,
    tools: Tools,
    detector: Detector,
    claim: RecheckClaim,
) -> Judgement:
    try:
        picture = _photo(settings, claim)
    except LakeError as error:
        return Judgement(None, {"error": str(error)})
    except UnusablePictureError as error:
        return Judgement("unreadable", {"photo": error.reason})
    if wrong := condition(picture):
        return Judgement("unreadable", {"photo": wrong})
    sight = tools.sight_of(detector)
    zones: Zones = {claim.zone: detector.cameras[claim.camera_id][claim.zone]}
    standing = _standing(detector, zones, sight, picture)
    detail: dict[str, Any] = {"model": sight.model, "boxes": [_written(box) for box in standing]}
    if standing:
        return Judgement("occupied", detail)
    if detector.recheck.compare_with_still:
        seen = _seen_since(settings, connection, detector, zones, sight, claim)
        detail["still"] = seen
        if seen.get("boxes"):
            return Judgement("doubtful", detail)
    return Judgement("clear", detail)


def _photo(settings: Settings, claim: RecheckClaim) -> Picture:
    """Raises LakeError for a photo that is not where the desk keeps photos, or not the one it names."""
    if claim.bucket != settings.bucket("evidence"):
        raise LakeError(f"{claim.bucket} is not where photos are kept")
    with spool_folder(settings) as folder:
        fetched = download(settings, "evidence", claim.object_key, folder / "photo", claim.sha256)
        return read_picture(fetched.path.read_bytes())


def _seen_since(
    settings: Settings,
    connection: psycopg.Connection,
    detector: Detector,
    zones: Zones,
    sight: Sight,
    claim: RecheckClaim,
) -> dict[str, Any]:
    """What the camera's newest still shows in the zone, if it was taken after the photo was handed in."""
    place = camera(connection, detector.scenario, claim.camera_id)
    if place is None:
        return {"missing": "the camera is not in the register"}
    try:
        still = newest_still(settings, place.snapshot_url, datetime.now(UTC), detector.still.max_age)
        if still.taken_at <= claim.requested_at:
            return {"missing": "none was taken since"}
        picture = read_picture(still.content)
    except MissingStillError as missing:
        return {"missing": missing.reason}
    except UnusablePictureError as error:
        return {"missing": error.reason}
    if wrong := condition(picture):
        return {"missing": wrong}
    standing = detector.kept_at(claim.camera_id, _standing(detector, zones, sight, picture))
    return {
        "taken_at": still.taken_at.isoformat(),
        "sha256": still.sha256,
        "boxes": [_written(box) for box in standing],
    }


def _standing(detector: Detector, zones: Zones, sight: Sight, picture: Picture) -> list[Box]:
    """The boxes in the zone that the detector is sure of, by this one look."""
    return [
        box
        for box in detector.kept(sight.look(picture.image))
        if box.score >= detector.classes[box.class_code].threshold and detector.zone_of(zones, box)
    ]


def _written(box: Box) -> dict[str, Any]:
    sides = [round(side, 4) for side in (box.x1, box.y1, box.x2, box.y2)]
    return {"class": box.class_code, "box": sides, "score": round(box.score, 4)}
