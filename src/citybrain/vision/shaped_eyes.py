"""What runtimes have in common whose networks take pictures of one shape: a network for every shape, made
once and kept, and boxes out of what it tells.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.boxes import Box
from citybrain.vision.candidates import found_in
from citybrain.vision.converting import convert, kept_file, names_of
from citybrain.vision.environment import require_environment
from citybrain.vision.eyes import codes_of
from citybrain.vision.fitting import STRIDE, Shape, letterbox, shape_of
from citybrain.vision.pictures import Pixels
from citybrain.vision.weights import Weights

MOST_SHAPES = 6  # networks kept open; pictures of yet another shape are looked at as squares


class ShapedEyes(ABC):
    """A loaded network, as `Eyes`. Converted networks are kept below `kept`.

    Raises VisionEnvironmentError, FileNotFoundError.
    """

    ending: ClassVar[str]
    """Of the file a converted network lies in."""
    device: str

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
        self.weights, self.imgsz, self.threads = weights, imgsz, threads
        self._kept = kept
        self._opened: dict[Shape, Any] = {}
        first = (imgsz, imgsz) if imgsz < STRIDE * 2 else shape_of(1080, 1920, imgsz)
        self.network(first)
        self.codes = codes_of(self._names(first), classes or {})

    def look_many(self, images: Iterable[Pixels]) -> list[list[Box]]:
        """`look` for each picture, several at once; the pictures may be decoded while they are taken, and
        none is kept.
        """
        seen: list[list[Box]] = []
        waiting: deque[Future[list[Box]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for image in images:
                self.network(self.shape(image))  # opened here: two threads would open it twice
                waiting.append(pool.submit(self.look, image))
                if len(waiting) > self.threads:
                    seen.append(waiting.popleft().result())
            seen += [one.result() for one in waiting]
        return seen

    @abstractmethod
    def output(self, network: Any, prepared: Pixels) -> NDArray[np.float32]:
        """What `network` tells of one prepared picture (height x width x 3, BGR, of its own shape)."""

    @abstractmethod
    def _open(self, file: Path, shape: Shape) -> Any:
        """The network in a file, ready to be asked."""

    @staticmethod
    @abstractmethod
    def write(network: Any, picture: Any, file: Path) -> None:
        """Convert a torch network for pictures like `picture` into `file`."""

    def look(self, image: Pixels) -> list[Box]:
        """What is seen in one picture (height x width x 3, BGR), the surest first."""
        shape = self.shape(image)
        prepared, scale = letterbox(image, shape)
        return self.boxes(self.output(self.network(shape), prepared), image.shape[:2], scale, shape)

    def shape(self, image: Pixels) -> Shape:
        """Of the network that looks at a picture."""
        shape = shape_of(image.shape[0], image.shape[1], self.imgsz)
        known = shape in self._opened or len(self._opened) < MOST_SHAPES
        return shape if known else (self.imgsz, self.imgsz)

    def network(self, shape: Shape) -> Any:
        """The network for pictures of `shape`, loaded when it is first asked for."""
        if shape not in self._opened:
            self._opened[shape] = self._load(shape)
        return self._opened[shape]

    def boxes(
        self, output: NDArray[np.float32], size: tuple[int, ...], scale: float, shape: Shape
    ) -> list[Box]:
        """The things in what a network of `shape` tells of a picture of `size` that `letterbox` scaled."""
        return [
            Box(self.codes[number], x1, y1, x2, y2, score)
            for number, x1, y1, x2, y2, score in found_in(output, (size[0], size[1]), scale, shape)
        ]

    def _load(self, shape: Shape) -> Any:
        """The network for pictures of `shape`, opened; converted when nobody has done so yet."""
        file = self._file(shape)
        if not file.exists():
            convert(self.weights, shape, file, self.write)
        return self._open(file, shape)

    def _names(self, shape: Shape) -> dict[int, str]:
        """The network's own class names by number. It has been loaded for `shape`."""
        return names_of(self._file(shape))

    def _file(self, shape: Shape) -> Path:
        return kept_file(self._kept, self.weights, shape, self.ending)
