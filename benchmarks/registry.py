"""The registry of things over the rounds of one fixed camera: who is told apart, and who is told twice.

    .venv-vision/bin/python benchmarks/registry.py --photographs ~/photographs --weights yolo11n.pt

The 42 frames of `parking_lot_sweep` are looked at four minutes apart. Precision and recall are those of the
vehicles that the registry holds for standing (three looks, eight minutes, median score) against the ones
that were checked by hand (`parking_lot_vehicles.yml`; one in a single frame does not stand). Alerts are the
signals when every vehicle's place is a zone; an alert is a second one when its vehicle was alerted before.
"""

import argparse
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from ruamel.yaml import YAML

from citybrain.vision.boxes import Box, iou
from citybrain.vision.detector_file import Detector
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.patches import patch_in
from citybrain.vision.pictures import read_picture
from citybrain.vision.registry import Memory, SeenObject, step
from citybrain.vision.training.gather import photographs_of
from citybrain.vision.weights import Weights

FRAMES = 42
APART = timedelta(minutes=4)
START = datetime(2026, 1, 1, tzinfo=UTC)
LOOKS, MINUTES, THRESHOLD = 3, 8, 0.4
SAME = 0.3  # IoU: the label of a place is not tight about the vehicle in it
VEHICLES = ("car", "lorry", "bus")
CAMERA = "lot"


def detector(places: list[tuple[Box, int, int]], least_score: float, same_look: float | None) -> Detector:
    zones = {}
    for number, (box, _, _) in enumerate(places):
        width, height = box.x2 - box.x1, box.y2 - box.y1
        left, right = box.x1 + 0.1 * width, box.x2 - 0.1 * width
        top, bottom = box.y1 + 0.4 * height, min(box.y2 + 0.25 * height, 1.0)  # where its wheels may be
        zones[f"place_{number}"] = {"polygon": [[left, top], [right, top], [right, bottom], [left, bottom]]}
    title = {"zh": "车辆", "en": "Vehicle"}
    return Detector.model_validate(
        {
            "schema": "citybrain/detector@1", "id": "lot", "scenario": "fire_lane_occupancy", "title": title,
            "provenance": "source", "origin": "real",
            "model": {"name": "any", "imgsz": 640, "weights": "city"},
            "classes": {"vehicle": {"title": title, "min_score": least_score, "threshold": THRESHOLD}},
            "dwell": {
                "minutes": MINUTES, "looks": LOOKS, "clear_after": 3, "cool_down_minutes": 0,
                "longest_gap_minutes": 60, "same_look": same_look,
            },
            "schedule": "*/4 * * * *", "still": {"max_age_minutes": 10}, "cameras": {CAMERA: zones},
        }
    )  # fmt: skip


def checked() -> list[tuple[Box, int, int]]:
    """Box, first and last frame of each vehicle, by hand."""
    told = YAML(typ="safe").load(Path(__file__).with_name("parking_lot_vehicles.yml").read_text("utf-8"))
    return [(Box("vehicle", *row["box"], 1.0), row["first"], row["last"]) for row in told["vehicles"]]


def frames(folder: Path) -> list[Path]:
    return sorted(
        (picture for picture, _ in photographs_of(folder, "all")),
        key=lambda path: int(re.findall(r"mp4-(\d+)", path.name)[0]),
    )


def sweep(eyes: OpenVinoEyes, folder: Path, rules: Detector) -> dict[str, Any]:
    memory, standing, alerts, raw = Memory(), {}, [], 0
    known: list[SeenObject] = []
    for number, path in enumerate(frames(folder)):
        image = read_picture(path.read_bytes()).image
        seen = [
            Box("vehicle", box.x1, box.y1, box.x2, box.y2, box.score)
            for box in eyes.look(image)
            if box.class_code in VEHICLES
        ]
        raw += sum(box.score >= rules.classes["vehicle"].min_score for box in seen)
        at = START + number * APART
        change = step(rules, rules.zones(CAMERA), memory, seen, at, lambda box: box.score, patch_in(image))
        alerts += [(number, found.thing) for found in change.findings if found.kind == "detected"]
        numbered = []
        for thing in change.objects:
            if thing.object_id is None:
                thing = _numbered(thing, len(known))
                known.append(thing)
            numbered.append(thing)
            if (
                thing.hits >= LOOKS
                and at - thing.first_seen >= timedelta(minutes=MINUTES)
                and thing.score >= THRESHOLD
            ):
                standing[thing.object_id, thing.first_seen] = thing
        change = type(change)(tuple(numbered), change.findings, change.occupied)
        memory = memory.after(change, at)
    return told(list(standing.values()), alerts, raw)


def _numbered(thing: SeenObject, number: int) -> SeenObject:
    from dataclasses import replace

    return replace(thing, object_id=number)


def told(standing: list[SeenObject], alerts: list[tuple[int, SeenObject]], raw: int) -> dict[str, Any]:
    truth = [(box, first, last) for box, first, last in checked() if last - first >= LOOKS - 1]
    found: dict[int, int] = {}
    strange = 0
    for thing in sorted(standing, key=lambda thing: -thing.hits):
        first = (thing.first_seen - START) // APART
        last = (thing.last_seen - START) // APART
        fitting = [
            (iou(box, thing.anchor), place)
            for place, (box, begin, end) in enumerate(truth)
            if first <= end and last >= begin
        ]
        best, place = max(fitting, default=(0.0, -1))
        if best < SAME:
            strange += 1
        else:
            found[place] = found.get(place, 0) + 1
    twice = sum(count - 1 for count in found.values())
    alerted = [
        max(range(len(truth)), key=lambda place: iou(truth[place][0], thing.anchor)) for _, thing in alerts
    ]
    return {
        "vehicles_by_hand": len(truth),
        "raw_boxes": raw,
        "held_for_standing": len(standing),
        "precision": round((len(standing) - strange - twice) / max(len(standing), 1), 3),
        "recall": round(len(found) / len(truth), 3),
        "told_twice": twice,
        "nothing_there": strange,
        "alerts": len(alerts),
        "second_alerts": len(alerted) - len(set(alerted)),
        "again_at": [
            {
                "frame": frame,
                "vehicle": alerted[place],
                "zone": thing.zone,
                "since": str(thing.first_seen - START),
            }
            for place, (frame, thing) in enumerate(alerts)
            if alerted[place] in alerted[:place]
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--imgsz", type=int, default=1280)
    parser.add_argument("--least-score", type=float, default=0.3)
    arguments = parser.parse_args()
    weights = Weights("any", arguments.weights, "folder", sha256(arguments.weights.read_bytes()).hexdigest())
    eyes = OpenVinoEyes(weights, arguments.imgsz, Path(gettempdir()) / "vision-benchmark-networks", threads=2)
    for same_look in (None, 0.3):
        rules = detector(checked(), arguments.least_score, same_look)
        print(
            json.dumps(
                {"same_look": same_look} | sweep(eyes, arguments.photographs / "parking_lot_sweep", rules)
            )
        )


if __name__ == "__main__":
    main()
