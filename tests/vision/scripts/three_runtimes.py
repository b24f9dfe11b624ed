"""The same yards seen by three runtimes, one by one and many at once; prints how they differ."""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from citybrain.settings import get_settings
from citybrain.vision.boxes import iou
from citybrain.vision.eight_bit_eyes import EightBitEyes
from citybrain.vision.eyes import Eyes
from citybrain.vision.onnx_eyes import OnnxEyes
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.pictures import Pixels, read_picture
from citybrain.vision.runtime import AnyEyes
from citybrain.vision.training.yardstick import draw_yard
from citybrain.vision.weights import Weights

path = get_settings().detectors_dir / "models" / "yard_vehicles" / "weights.pt"
weights = Weights("yard_vehicles", path, "shipped", hashlib.sha256(path.read_bytes()).hexdigest())
kept = Path(sys.argv[1])
images = [read_picture(scene.jpeg).image for scene in draw_yard(40, 4, in_lane=True, in_bays=True)]
tall = images[0][:, 200:500]  # a shape of its own


def differences(one: AnyEyes, other: AnyEyes, pictures: Sequence[Pixels]) -> dict[str, Any]:
    """Of each thing that `one` is sure of: the box of `other` that overlaps it most."""
    overlaps, scores, strays = [], [], 0
    for image in pictures:
        seen = other.look(image)
        for box in (box for box in one.look(image) if box.score >= 0.35):
            same = max(seen, key=lambda found, box=box: iou(found, box))
            overlaps.append(iou(same, box))
            scores.append(abs(same.score - box.score))
            strays += same.class_code != box.class_code
    return {
        "boxes": len(overlaps),
        "least_overlap": min(overlaps),
        "most_score_difference": max(scores),
        "other_class": strays,
    }


torch_eyes = Eyes(weights, 416, threads=2)
told = {}
for eyes in (
    EightBitEyes(weights, 416, kept / "eight", threads=2),
    OpenVinoEyes(weights, 416, kept / "openvino", threads=2),
    OnnxEyes(weights, 416, kept / "onnx", threads=2),
):
    name = "eight bits" if isinstance(eyes, EightBitEyes) else eyes.device.split()[0]
    told[name] = differences(torch_eyes, eyes, [*images, tall]) | {
        "many_as_one": eyes.look_many(iter(images)) == [eyes.look(image) for image in images],
        "device": eyes.device,
    }
    if (
        name == "onnxruntime"
    ):  # torch scales pictures a little differently; these two share everything but the runtime
        told["between"] = differences(
            OpenVinoEyes(weights, 416, kept / "openvino", threads=2), eyes, [*images, tall]
        )
told["files"] = sorted(f"{file.parent.name}/{file.suffix}" for file in kept.rglob("*.*"))
sys.stdout.write(json.dumps(told))
