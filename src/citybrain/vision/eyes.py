"""A network run by torch through ultralytics, on a graphics card where there is one. Needs the vision
environment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.settings import get_settings
from citybrain.vision.boxes import Box
from citybrain.vision.environment import import_ultralytics
from citybrain.vision.pictures import Pixels
from citybrain.vision.weights import Weights

# What public networks call the things of this project; some of them still say it as darknet did.
OUR_NAMES = {"truck": "lorry", "motorbike": "motorcycle", "diningtable": "dining table"}
LOWEST_SCORE = 0.05  # below it boxes are noise; detectors' own limits lie above
SAME_THING = 0.6  # IoU from which two boxes, whatever their classes, are taken for one thing
BATCH = 8


def codes_of(names: Mapping[int, str], ours: Mapping[str, str]) -> dict[int, str]:
    """Class codes by number of a network's own `names`; `ours` says which are called otherwise here, by the
    network's name or by the one of OUR_NAMES.
    """
    codes = {}
    for number, name in names.items():
        known = OUR_NAMES.get(name, name)
        codes[number] = ours.get(name, ours.get(known, known.replace(" ", "_")))
    return codes


class Eyes:
    """A loaded network. Loading takes seconds and half a gigabyte: keep one for a worker's life.

    `imgsz` is the longer side in pixels at which pictures are looked at, a multiple of 32. `classes` maps the
    network's class names to class codes; what it leaves out keeps its name (spaces become underscores).
    Raises VisionEnvironmentError, FileNotFoundError.
    """

    def __init__(
        self,
        weights: Weights,
        imgsz: int,
        classes: Mapping[str, str] | None = None,
        threads: int = 1,
    ) -> None:
        if not weights.path.is_file():  # ultralytics would ask the network for it
            raise FileNotFoundError(weights.path)
        ultralytics = import_ultralytics(get_settings().data_dir / "vision" / "ultralytics")
        import torch

        torch.set_num_threads(threads)
        self.weights = weights
        self.imgsz = imgsz
        self._on = "cuda:0" if torch.cuda.is_available() else "cpu"
        self.device = f"torch {self._on}, {threads} threads"
        self._network = ultralytics.YOLO(str(weights.path), task="detect")
        self.codes = codes_of(self._network.names, classes or {})

    def look(self, image: Pixels) -> list[Box]:
        """What is seen in one picture (height x width x 3, BGR), the surest first."""
        return self.look_many([image])[0]

    def look_many(self, images: Sequence[Pixels]) -> list[list[Box]]:
        """The same for each picture."""
        seen: list[list[Box]] = []
        for start in range(0, len(images), BATCH):
            results = self._network.predict(
                list(images[start : start + BATCH]),
                imgsz=self.imgsz,
                conf=LOWEST_SCORE,
                iou=SAME_THING,
                agnostic_nms=True,  # what looks like a car and like a lorry is one vehicle
                device=self._on,
                save=False,
                verbose=False,
            )
            seen.extend(self._boxes(result) for result in results)
        return seen

    def _boxes(self, result: Any) -> list[Box]:
        found = result.boxes
        places, numbers, scores = found.xyxyn.tolist(), found.cls.tolist(), found.conf.tolist()
        boxes = [
            Box(self.codes[int(number)], max(x1, 0.0), max(y1, 0.0), min(x2, 1.0), min(y2, 1.0), score)
            for (x1, y1, x2, y2), number, score in zip(places, numbers, scores, strict=True)
        ]
        return sorted(boxes, key=lambda box: -box.score)
