"""A network run by OpenVINO: pixels go in as they are, and what prepares them is compiled into the network.

Weights are converted once for every shape of picture and kept; a worker that finds them converted imports
neither torch nor ultralytics. Needs the vision environment.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from citybrain.vision.boxes import Box
from citybrain.vision.environment import import_ultralytics, require_environment
from citybrain.vision.eyes import LOWEST_SCORE, SAME_THING, codes_of
from citybrain.vision.pictures import Pixels
from citybrain.vision.weights import Weights

STRIDE = 32
GREY = 114  # what fills a picture up to the network's shape, as in training
MOST_SHAPES = 6  # networks kept compiled; pictures of yet another shape are looked at as squares
MOST_BOXES = 300

log = structlog.get_logger(__name__)

Shape = tuple[int, int]


class OpenVinoEyes:
    """A loaded network, as `Eyes`. Converted networks are kept below `kept`.

    Raises VisionEnvironmentError, FileNotFoundError.
    """

    def __init__(
        self,
        weights: Weights,
        imgsz: int,
        kept: Path,
        classes: Mapping[str, str] | None = None,
        threads: int = 1,
    ) -> None:
        require_environment()
        if not weights.path.is_file():
            raise FileNotFoundError(weights.path)
        import openvino

        self.weights, self.imgsz = weights, imgsz
        self._kept, self._threads = kept, threads
        self._core = openvino.Core()
        self._compiled: dict[Shape, Any] = {}
        first = self._network((imgsz, imgsz) if imgsz < STRIDE * 2 else shape_of(1080, 1920, imgsz))
        names = json.loads(self._file(next(iter(self._compiled))).with_suffix(".json").read_text("utf-8"))
        self.codes = codes_of({int(number): name for number, name in names.items()}, classes or {})
        precision = first.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.device = f"openvino cpu {precision}, {threads} threads"

    def look(self, image: Pixels) -> list[Box]:
        """What is seen in one picture (height x width x 3, BGR), the surest first."""
        shape = self._shape(image)
        network = self._network(shape)
        prepared, scale = letterbox(image, shape)
        output = network.create_infer_request().infer({0: prepared[None]})[0]
        return self._boxes(output, (image.shape[0], image.shape[1]), scale, shape)

    def look_many(self, images: Iterable[Pixels]) -> list[list[Box]]:
        """The same for each picture, as many at once as there are threads; the pictures may be decoded while
        they are taken, and none is kept.
        """
        import openvino

        queues: dict[Shape, Any] = {}
        seen: dict[int, list[Box]] = {}

        def done(request: Any, told: tuple[int, tuple[int, int], float, Shape]) -> None:
            place, size, scale, shape = told
            seen[place] = self._boxes(request.get_output_tensor(0).data, size, scale, shape)

        for place, image in enumerate(images):
            shape = self._shape(image)
            if shape not in queues:
                queues[shape] = openvino.AsyncInferQueue(self._network(shape), self._threads)
                queues[shape].set_callback(done)
            prepared, scale = letterbox(image, shape)
            size = image.shape[0], image.shape[1]
            queues[shape].start_async({0: prepared[None]}, (place, size, scale, shape))
        for queue in queues.values():
            queue.wait_all()
        return [seen[place] for place in range(len(seen))]

    def _shape(self, image: Pixels) -> Shape:
        shape = shape_of(image.shape[0], image.shape[1], self.imgsz)
        known = shape in self._compiled or len(self._compiled) < MOST_SHAPES
        return shape if known else (self.imgsz, self.imgsz)

    def _network(self, shape: Shape) -> Any:
        if shape not in self._compiled:
            file = self._file(shape)
            if not file.exists():
                convert(self.weights, shape, file)
            self._compiled[shape] = self._core.compile_model(
                _with_preparation(self._core.read_model(file), shape),
                "CPU",
                {
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "NUM_STREAMS": str(self._threads),
                    "INFERENCE_NUM_THREADS": str(self._threads),
                },
            )
        return self._compiled[shape]

    def _file(self, shape: Shape) -> Path:
        return self._kept / f"{self.weights.sha256[:24]}_{shape[0]}x{shape[1]}.xml"

    def _boxes(
        self, output: NDArray[np.float32], size: tuple[int, int], scale: float, shape: Shape
    ) -> list[Box]:
        return [
            Box(self.codes[number], x1, y1, x2, y2, score)
            for number, x1, y1, x2, y2, score in found_in(output, size, scale, shape)
        ]


def shape_of(height: int, width: int, imgsz: int) -> Shape:
    """The network's height and width for a picture: its longer side `imgsz`, both multiples of STRIDE."""
    scale = imgsz / max(height, width)
    return tuple(  # type: ignore[return-value]
        max(-(-round(side * scale) // STRIDE) * STRIDE, STRIDE) for side in (height, width)
    )


def letterbox(image: Pixels, shape: Shape) -> tuple[Pixels, float]:
    """The picture within `shape`, the rest grey, and by what it was scaled."""
    import cv2

    height, width = image.shape[:2]
    scale = min(shape[0] / height, shape[1] / width)
    inner = round(width * scale), round(height * scale)
    resized = image if inner == (width, height) else cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    if (inner[1], inner[0]) == shape:
        return np.ascontiguousarray(resized), scale
    whole = np.full((*shape, 3), GREY, np.uint8)
    top, left = (shape[0] - inner[1]) // 2, (shape[1] - inner[0]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = resized
    return whole, scale


def found_in(
    output: NDArray[np.float32], size: tuple[int, int], scale: float, shape: Shape
) -> Iterator[tuple[int, float, float, float, float, float]]:
    """Class number, x1, y1, x2, y2 (fractions of a picture of `size`, height and width) and score of each
    thing in the output of a network of `shape` (1, 4 + classes, candidates: middle and size in pixels), the
    surest first.
    """
    import cv2

    table = output[0]
    scores = table[4:].max(axis=0)
    sure = scores >= LOWEST_SCORE
    if not sure.any():
        return
    table, scores = table[:, sure], scores[sure]
    numbers = table[4:].argmax(axis=0)
    x, y, across, down = table[:4]
    height, width = size
    left, top = (shape[1] - round(width * scale)) // 2, (shape[0] - round(height * scale)) // 2
    corners = np.stack([x - across / 2 - left, y - down / 2 - top, across, down], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), LOWEST_SCORE, SAME_THING)
    for place in np.asarray(kept, dtype=int).ravel()[:MOST_BOXES]:
        x1, y1, wide, high = corners[place] / scale
        yield (
            int(numbers[place]),
            max(float(x1 / width), 0.0),
            max(float(y1 / height), 0.0),
            min(float((x1 + wide) / width), 1.0),
            min(float((y1 + high) / height), 1.0),
            float(scores[place]),
        )


def convert(weights: Weights, shape: Shape, file: Path) -> None:
    """Write a network as OpenVINO's own format in half precision, and its class names beside it.

    OpenVINO's converter would report its use to its maker; the frontend beneath it does not.
    """
    from citybrain.settings import get_settings

    ultralytics = import_ultralytics(get_settings().data_dir / "vision" / "ultralytics")
    import openvino
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    network = ultralytics.YOLO(str(weights.path), task="detect")
    plain = network.model.float().fuse().eval()
    for part in plain.modules():
        if hasattr(part, "dfl") and hasattr(part, "stride"):  # the head tells boxes, not what training needs
            part.export, part.format, part.dynamic = True, "openvino", False
    picture = torch.zeros(1, 3, *shape)
    with torch.no_grad():
        plain(picture)  # works out the places of the candidates for this shape
        decoder = TorchScriptPythonDecoder(plain, example_input=(picture,))
        frontend = FrontEndManager().load_by_framework("pytorch")
        converted = frontend.convert(frontend.load(decoder))
    converted.reshape([1, 3, *shape])
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{os.getpid()}-{file.name}")
    openvino.save_model(converted, str(draft), compress_to_fp16=True)
    file.with_suffix(".json").write_text(json.dumps(network.names), encoding="utf-8")
    draft.with_suffix(".bin").replace(file.with_suffix(".bin"))
    draft.replace(file)  # last: who finds it finds the rest
    log.info("network converted", weights=weights.name, shape=shape, file=file.name)


def _with_preparation(model: Any, shape: Shape) -> Any:
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    prepared = PrePostProcessor(model)
    tensor = prepared.input().tensor()
    tensor.set_element_type(Type.u8).set_layout(Layout("NHWC")).set_color_format(ColorFormat.BGR)
    tensor.set_shape([1, *shape, 3])
    steps = prepared.input().preprocess()
    steps.convert_element_type(Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    prepared.input().model().set_layout(Layout("NCHW"))
    return prepared.build()
