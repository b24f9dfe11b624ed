"""Looks at rendered yards with the weights the project ships; prints what was seen as JSON."""

import json
import sys

import numpy as np

from citybrain.settings import get_settings
from citybrain.vision.boxes import Box, iou
from citybrain.vision.detector_file import load_detectors
from citybrain.vision.eyes import Eyes
from citybrain.vision.pictures import condition, read_picture
from citybrain.vision.training.yardstick import YardScene, draw_yard
from citybrain.vision.weights import Weights
from citybrain.vision.zones import zone_of

# As the detector of fire lanes looks; bicycles and motorcycles it does not ask for.
DETECTOR = load_detectors(get_settings())["fire_lane_occupancy"]
LEAST_SCORE = 0.35
YARDS = range(40, 56, 4)


def shipped() -> Weights:
    """Not what some bucket or folder of this machine holds."""
    settings = get_settings()
    path = settings.detectors_dir / "models" / "yard_vehicles" / "weights.pt"
    return Weights("yard_vehicles", path, "shipped", "")


def seen(eyes: Eyes, scene: YardScene) -> list[Box]:
    boxes = eyes.look(read_picture(scene.jpeg).image)
    return [box for box in boxes if box.score >= LEAST_SCORE]


eyes = Eyes(shipped(), DETECTOR.model.imgsz, threads=2)
blocked = [scene for start in YARDS for scene in draw_yard(start, 2, in_lane=True, in_bays=False)]
empty = [scene for start in YARDS for scene in draw_yard(start, 2, in_lane=False, in_bays=False)]
standing = found = 0
for scene in blocked:
    boxes = seen(eyes, scene)
    blocking = [true for true in scene.in_lane if true.class_code in DETECTOR.classes]
    standing += len(blocking)
    found += sum(any(iou(box, true) >= 0.5 for box in boxes) for true in blocking)
strange = [box for scene in empty for box in seen(eyes, scene) if zone_of({"lane": scene.lane}, box)]
images = [read_picture(scene.jpeg).image for scene in blocked[:3]]
together, alone = eyes.look_many(images), [eyes.look(image) for image in images]
import ultralytics  # noqa: E402  # imported by Eyes; its settings are what is asked

told = {
    "standing": standing,
    "found": found,
    "strange": len(strange),
    "frames": len(empty),
    "classes": sorted(set(eyes.codes.values())),
    "conditions": sorted({condition(read_picture(scene.jpeg)) for scene in (*blocked, *empty)}),
    "same_together": [[box.class_code for box in boxes] for boxes in together]
    == [[box.class_code for box in boxes] for boxes in alone],
    "within": all(
        0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1 and 0 < box.score <= 1
        for boxes in together
        for box in boxes
    ),
    "seen_in_the_dark": sum(box.score >= LEAST_SCORE for box in eyes.look(np.zeros((540, 960, 3), np.uint8))),
    "reports": [bool(ultralytics.settings["sync"]), ultralytics.utils.events.events.enabled],
    "online": ultralytics.utils.ONLINE,
    "settings_file": str(ultralytics.utils.SETTINGS_FILE),
}
sys.stdout.write(json.dumps(told))
