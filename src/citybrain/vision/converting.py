"""Weights as a network that another runtime can take: plain layers for pictures of one shape.

What was converted is kept under the weights' hash and the shape; the class names lie beside it, so that a
worker that finds both imports neither torch nor ultralytics.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from citybrain.vision.environment import import_ultralytics
from citybrain.vision.fitting import Shape
from citybrain.vision.weights import Weights

log = structlog.get_logger(__name__)

Write = Callable[[Any, Any, Path], None]
"""Writes a network (a torch module) that takes pictures like the given one (a tensor) into a file; a second
file of the same name and another ending may go along.
"""


def kept_file(kept: Path, weights: Weights, shape: Shape, ending: str) -> Path:
    return kept / f"{weights.sha256[:24]}_{shape[0]}x{shape[1]}{ending}"


def names_of(file: Path) -> dict[int, str]:
    """The network's own class names by number, of a file that `convert` wrote."""
    told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    return {int(number): name for number, name in told.items()}


def convert(weights: Weights, shape: Shape, file: Path, write: Write) -> None:
    """Write the network for pictures of `shape` to `file`. Two workers may convert the same at once."""
    plain, picture, names = plain_network(weights, shape, dynamic=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{os.getpid()}-{file.name}")
    write(plain, picture, draft)
    file.with_suffix(".json").write_text(json.dumps(names), encoding="utf-8")
    for beside in draft.parent.glob(f"{draft.stem}.*"):
        if beside != draft:
            beside.replace(file.with_suffix(beside.suffix))
    draft.replace(file)  # last: who finds it finds the rest
    log.info("network converted", weights=weights.name, shape=shape, file=file.name)


def plain_network(weights: Weights, shape: Shape, dynamic: bool) -> tuple[Any, Any, dict[int, str]]:
    """The weights as a torch network of plain layers, which tells boxes and keeps nothing for training, a
    picture of `shape` as an example, and the network's own class names. Unless `dynamic`, the places of the
    candidates are those of this shape.
    """
    from citybrain.settings import get_settings

    ultralytics = import_ultralytics(get_settings().data_dir / "vision" / "ultralytics")
    import torch

    network = ultralytics.YOLO(str(weights.path), task="detect")
    plain = network.model.float().fuse().eval().requires_grad_(False)
    for part in plain.modules():
        if hasattr(part, "dfl") and hasattr(part, "stride"):  # the head
            part.export, part.format, part.dynamic = True, "openvino", dynamic
    picture = torch.zeros(1, 3, *shape)
    plain(picture)  # works out the places of the candidates for this shape
    return plain, picture, network.names
