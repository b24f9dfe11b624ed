"""The same yards seen by torch and by OpenVINO, one by one and many at once; prints how they differ."""

import hashlib
import json
import sys
from pathlib import Path

from citybrain.settings import get_settings
from citybrain.vision.boxes import iou
from citybrain.vision.eyes import Eyes
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.pictures import read_picture
from citybrain.vision.training.yardstick import draw_yard
from citybrain.vision.weights import Weights

path = get_settings().detectors_dir / "models" / "yard_vehicles" / "weights.pt"
weights = Weights("yard_vehicles", path, "shipped", hashlib.sha256(path.read_bytes()).hexdigest())
kept = Path(sys.argv[1])
torch_eyes = Eyes(weights, 416, threads=2)
own_eyes = OpenVinoEyes(weights, 416, kept, threads=2)
scenes = draw_yard(40, 4, in_lane=True, in_bays=True)
images = [read_picture(scene.jpeg).image for scene in scenes]
tall = images[0][:, 200:500]  # a shape of its own
overlaps, scores, strays = [], [], 0
for image in (*images, tall):
    for box in (box for box in torch_eyes.look(image) if box.score >= 0.35):
        same = max(own_eyes.look(image), key=lambda found, box=box: iou(found, box))
        overlaps.append(iou(same, box))
        scores.append(abs(same.score - box.score))
        strays += same.class_code != box.class_code
small = [read_picture(scene.jpeg, 640).image for scene in scenes]
told = {
    "boxes": len(overlaps),
    "least_overlap": min(overlaps),
    "most_score_difference": max(scores),
    "other_class": strays,
    "many_as_one": own_eyes.look_many(iter(images)) == [own_eyes.look(image) for image in images],
    "read_smaller": [image.shape[1] for image in small],
    "device": own_eyes.device,
    "files": sorted(file.suffix for file in kept.iterdir()),
}
sys.stdout.write(json.dumps(told))
