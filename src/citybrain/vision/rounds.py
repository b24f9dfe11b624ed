"""A camera's rounds in the database: what is remembered before a look, and how a look is settled.

A look is settled in one transaction: its round, the things seen, its signals and the end of its claim stand
together or not at all. A worker that lost its claim meanwhile settles nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from citybrain.vision import signals
from citybrain.vision.boxes import Box
from citybrain.vision.cameras import Camera
from citybrain.vision.detector_file import Detector
from citybrain.vision.registry import Memory, SeenObject
from citybrain.vision.work_list import LookClaim

Outcome = Literal["clean", "occupied", "unusable", "missing"]
NORMAL = "normal"

_NEWEST = """
SELECT max(at), max(still_at),
       (array_agg(sha256 ORDER BY at DESC) FILTER (WHERE sha256 IS NOT NULL))[1],
       (array_agg(condition ORDER BY at DESC) FILTER (WHERE condition IS NOT NULL))[1]
FROM (SELECT at, still_at, sha256, condition FROM vision.round
      WHERE detector = %(detector)s AND camera_id = %(camera)s ORDER BY at DESC LIMIT 50) AS newest
"""
_OBJECTS = """
SELECT seen_object_id, class_code, zone, boxes, scores, first_seen, last_seen, hits, misses, state,
       signalled_at, cleared_at, patch
FROM vision.seen_object
WHERE detector = %(detector)s AND camera_id = %(camera)s
    AND (state = 'present' OR (signalled_at IS NOT NULL AND cleared_at IS NULL))
ORDER BY seen_object_id
"""
_CLEARED = """
SELECT zone, class_code, max(cleared_at) FROM vision.seen_object
WHERE detector = %(detector)s AND camera_id = %(camera)s AND cleared_at IS NOT NULL GROUP BY zone, class_code
"""
_PHOTO_CLEAR = """
SELECT zone, max(requested_at) FROM vision.recheck
WHERE scenario = %(scenario)s AND camera_id = %(camera)s AND verdict = 'clear' GROUP BY zone
"""
_HOLD = """
SELECT FROM vision.look_request
WHERE look_request_id = %s AND state = 'claimed' AND claimed_by = %s FOR UPDATE
"""
_LAST_ROUND = "SELECT max(at) FROM vision.round WHERE detector = %s AND camera_id = %s"
_ADD_ROUND = """
INSERT INTO vision.round (detector, camera_id, at, still_at, sha256, outcome, reason, condition, boxes,
    signals, seconds, weights, weights_sha256, device)
VALUES (%(detector)s, %(camera)s, %(at)s, %(still_at)s, %(sha256)s, %(outcome)s, %(reason)s, %(condition)s,
    %(boxes)s, %(signals)s, %(seconds)s, %(weights)s, %(weights_sha256)s, %(device)s)
"""
_ADD_OBJECT = """
INSERT INTO vision.seen_object (detector, camera_id, class_code, zone, anchor, boxes, scores, score,
    first_seen, last_seen, hits, misses, state, signalled_at, cleared_at, patch)
VALUES (%(detector)s, %(camera)s, %(class_code)s, %(zone)s, %(anchor)s, %(boxes)s, %(scores)s, %(score)s,
    %(first_seen)s, %(last_seen)s, %(hits)s, %(misses)s, %(state)s, %(signalled_at)s, %(cleared_at)s,
    %(patch)s)
"""
_CHANGE_OBJECT = """
UPDATE vision.seen_object SET zone = %(zone)s, anchor = %(anchor)s, boxes = %(boxes)s, scores = %(scores)s,
    score = %(score)s, first_seen = %(first_seen)s, last_seen = %(last_seen)s, hits = %(hits)s,
    misses = %(misses)s, state = %(state)s, signalled_at = %(signalled_at)s, cleared_at = %(cleared_at)s,
    patch = %(patch)s
WHERE seen_object_id = %(object_id)s
"""
_END = "UPDATE vision.look_request SET state = %s, done_at = now(), error = %s WHERE look_request_id = %s"


@dataclass(frozen=True)
class Before:
    """What is known of a camera before a look. The times are None before the first round, and before the
    first still; `condition` is what the camera last showed of itself.
    """

    newest_round: datetime | None
    newest_still: datetime | None
    newest_sha256: str | None
    condition: str
    memory: Memory


@dataclass(frozen=True)
class Round:
    """One look at a camera. `condition` is None when the look says nothing about the camera; `seconds` is
    what it took, `weights` name and `device` of the network that looked, None where none did.
    """

    outcome: Outcome
    reason: str
    condition: str | None
    seconds: float
    still_at: datetime | None = None
    sha256: str | None = None
    boxes: Sequence[Box] = ()
    weights: str | None = None
    weights_sha256: str | None = None
    device: str | None = None


def remember(connection: psycopg.Connection, detector: Detector, camera_id: str) -> Before:
    """What the rounds so far left behind."""
    terms = {"detector": detector.id, "camera": camera_id, "scenario": detector.scenario}
    newest = connection.execute(_NEWEST, terms).fetchone()
    at, still_at, sha256, condition = newest if newest is not None else (None, None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        objects = tuple(_object(row) for row in cursor.execute(_OBJECTS, terms))
    cleared = {(zone, kind): moment for zone, kind, moment in connection.execute(_CLEARED, terms)}
    photos: dict[str, datetime] = dict(connection.execute(_PHOTO_CLEAR, terms).fetchall())
    return Before(at, still_at, sha256, condition or NORMAL, Memory(objects, cleared, photos))


def settle(
    connection: psycopg.Connection,
    claim: LookClaim,
    detector: Detector,
    camera: Camera,
    before: Before,
    done: Round,
    objects: Sequence[SeenObject],
    told: Sequence[signals.Signal],
) -> bool:
    """Write a look down. False, and nothing written, when its claim ended or another round came between."""
    with connection.transaction():
        # One writer for a camera at a time, so that what was remembered still holds when it is changed.
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{detector.id}:{camera.camera_id}",)
        )
        held = connection.execute(_HOLD, (claim.look_request_id, claim.claimed_by)).fetchone()
        last = connection.execute(_LAST_ROUND, (detector.id, camera.camera_id)).fetchone()
        if held is None or last is None or last[0] != before.newest_round:
            return False
        for thing in objects:
            connection.execute(
                _ADD_OBJECT if thing.object_id is None else _CHANGE_OBJECT,
                _columns(detector, camera.camera_id, thing),
            )
        for signal in told:
            signals.add(connection, detector, camera, signal)
        connection.execute(
            _ADD_ROUND,
            {
                "detector": detector.id,
                "camera": camera.camera_id,
                "at": claim.due_at,
                "still_at": done.still_at,
                "sha256": done.sha256,
                "outcome": done.outcome,
                "reason": done.reason,
                "condition": done.condition,
                "boxes": Jsonb([[box.class_code, *_sides(box), round(box.score, 4)] for box in done.boxes]),
                "signals": len(told),
                "seconds": done.seconds,
                "weights": done.weights,
                "weights_sha256": done.weights_sha256,
                "device": done.device,
            },
        )
        connection.execute(_END, ("done", "", claim.look_request_id))
    return True


def supersede(connection: psycopg.Connection, claim: LookClaim, reason: str) -> None:
    """End a look that is not done any more: a later round was, or the camera left the register."""
    with connection.transaction():
        if connection.execute(_HOLD, (claim.look_request_id, claim.claimed_by)).fetchone() is not None:
            connection.execute(_END, ("superseded", reason, claim.look_request_id))


def _object(row: dict[str, Any]) -> SeenObject:
    kind = row["class_code"]
    return SeenObject(
        class_code=kind,
        boxes=tuple(Box(kind, *numbers) for numbers in row["boxes"]),
        scores=tuple(row["scores"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        hits=row["hits"],
        misses=row["misses"],
        zone=row["zone"],
        gone=row["state"] == "gone",
        signalled_at=row["signalled_at"],
        cleared_at=row["cleared_at"],
        object_id=row["seen_object_id"],
        patch=row["patch"],
    )


def _columns(detector: Detector, camera_id: str, thing: SeenObject) -> dict[str, object]:
    anchor = thing.anchor
    return {
        "object_id": thing.object_id,
        "detector": detector.id,
        "camera": camera_id,
        "class_code": thing.class_code,
        "zone": thing.zone,
        "anchor": [anchor.x1, anchor.y1, anchor.x2, anchor.y2],
        "boxes": Jsonb([[box.x1, box.y1, box.x2, box.y2, box.score] for box in thing.boxes]),
        "scores": list(thing.scores),
        "score": thing.score,
        "first_seen": thing.first_seen,
        "last_seen": thing.last_seen,
        "hits": thing.hits,
        "misses": thing.misses,
        "state": "gone" if thing.gone else "present",
        "signalled_at": thing.signalled_at,
        "cleared_at": thing.cleared_at,
        "patch": thing.patch,
    }


def _sides(box: Box) -> tuple[float, ...]:
    return tuple(round(side, 4) for side in (box.x1, box.y1, box.x2, box.y2))
