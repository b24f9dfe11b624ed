"""What people decided on findings, given back to the detectors: precision, thresholds, and pictures to learn.

A case that was voided was no finding, one that was closed was one; the rest says nothing yet.
"""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from PIL import Image
from psycopg.rows import dict_row

from citybrain.lake import LakeError, download, list_objects, spool_folder
from citybrain.settings import DatabaseRole, Settings
from citybrain.vision.boxes import Box
from citybrain.vision.originals import ZONE
from citybrain.vision.pictures import read_picture
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter

WANTED_PRECISION = 0.9
LEAST_DECIDED = 20  # below it a threshold would be a guess
AROUND = 0.5  # of a box's size is shown on every side of it

_DECIDED = """
SELECT DISTINCT ON (c.id) c.number AS case_number, s.scenario, s.class_code, s.source_id AS camera_id,
    s.score::double precision AS score, c.state = 'closed' AS confirmed, s.detail, s.observed_at
FROM ops.signal AS s JOIN ops.event_case AS c ON c.id = s.case_id
WHERE s.kind = 'detected' AND s.source_kind = 'video' AND s.score IS NOT NULL
    AND c.state IN ('closed', 'voided')
ORDER BY c.id, s.observed_at
"""


@dataclass(frozen=True)
class Decided:
    """A finding that people decided on: `confirmed`, or rejected."""

    case_number: str
    scenario: str
    class_code: str
    camera_id: str
    score: float
    confirmed: bool
    detail: dict[str, Any]


@dataclass(frozen=True)
class Advice:
    """Of one class, at one camera or at all ("" then). `threshold` is what the scores suggest, None where too
    few were decided or no threshold reaches the wanted precision; `kept` of the confirmed ones lie above it.
    """

    scenario: str
    class_code: str
    camera_id: str
    confirmed: int
    rejected: int
    precision: float
    threshold: float | None
    kept: float | None


def decided_findings(settings: Settings) -> list[Decided]:
    """Every case that a camera began and people ended."""
    with connect(settings, DatabaseRole.DESK, "citybrain feedback") as desk:
        enter(desk, SYSTEM)
        return _read(desk)


def _read(desk: psycopg.Connection) -> list[Decided]:
    with desk.cursor(row_factory=dict_row) as cursor:
        return [
            Decided(**{name: row[name] for name in Decided.__dataclass_fields__})
            for row in cursor.execute(_DECIDED)
        ]


def advise(decided: Iterable[Decided]) -> list[Advice]:
    """Precision of each scenario and class, at all cameras and at each, with the threshold suggested."""
    groups: dict[tuple[str, str, str], list[Decided]] = {}
    for one in decided:
        for camera in ("", one.camera_id):
            groups.setdefault((one.scenario, one.class_code, camera), []).append(one)
    return [_advice(key, groups[key]) for key in sorted(groups)]


def _advice(key: tuple[str, str, str], group: Sequence[Decided]) -> Advice:
    confirmed = sum(one.confirmed for one in group)
    threshold = suggest_threshold([(one.score, one.confirmed) for one in group])
    kept = None
    if threshold is not None and confirmed:
        kept = sum(one.confirmed and one.score >= threshold for one in group) / confirmed
    return Advice(
        *key, confirmed, len(group) - confirmed, round(confirmed / len(group), 4), threshold,
        round(kept, 4) if kept is not None else None,
    )  # fmt: skip


def suggest_threshold(scores: Sequence[tuple[float, bool]]) -> float | None:
    """The lowest score from which on WANTED_PRECISION of the findings were confirmed, cut to two places."""
    if len(scores) < LEAST_DECIDED:
        return None
    best: float | None = None
    right = 0
    ordered = sorted(scores, key=lambda pair: -pair[0])
    for number, (score, confirmed) in enumerate(ordered, 1):
        right += confirmed
        last_of_its_score = number == len(ordered) or ordered[number][0] < score
        if last_of_its_score and right / number >= WANTED_PRECISION:
            best = score
    return int(best * 100) / 100 if best is not None else None


def write_negatives(settings: Settings, decided: Iterable[Decided], folder: Path) -> int:
    """Rejected findings as pictures with nothing to find, below `folder` as a recipe's photograph set takes
    them (split `negatives`); how many there are. Stills that were removed meanwhile are left out.

    A picture shows the rejected box and its surroundings only: elsewhere in the still there may well have
    been something.
    """
    pictures, labels = folder / "images" / "negatives", folder / "labels" / "negatives"
    for place in (pictures, labels):
        place.mkdir(parents=True, exist_ok=True)
    kept = {found.key for found in list_objects(settings, ZONE, "")}
    told = []
    for one in decided:
        if one.confirmed or one.detail.get("original") not in kept or "box" not in one.detail:
            continue
        x1, y1, x2, y2 = one.detail["box"]
        box = Box(one.class_code, x1, y1, x2, y2, one.score)
        with spool_folder(settings) as spooled:
            try:
                fetched = download(settings, ZONE, one.detail["original"], spooled / "still")
            except LakeError:  # its day was over between the listing and now
                continue
            content = _surroundings(fetched.path.read_bytes(), box)
        name = f"{one.camera_id}_{one.case_number}"
        (pictures / f"{name}.jpg").write_bytes(content)
        (labels / f"{name}.txt").write_text("", encoding="ascii")
        told.append({name: value for name, value in asdict(one).items() if name != "detail"})
    (folder / "feedback.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    return len(told)


def _surroundings(content: bytes, box: Box) -> bytes:
    picture = read_picture(content)
    across, down = (box.x2 - box.x1) * AROUND, (box.y2 - box.y1) * AROUND
    wide = Box(
        "",
        max(box.x1 - across, 0.0),
        max(box.y1 - down, 0.0),
        min(box.x2 + across, 1.0),
        min(box.y2 + down, 1.0),
        0.0,
    )
    x1, y1, x2, y2 = wide.pixels(picture.width, picture.height)
    shown = Image.fromarray(picture.image[y1:y2, x1:x2, ::-1].copy())
    stream = io.BytesIO()
    shown.save(stream, "JPEG", quality=92)
    return stream.getvalue()
