"""A network in eight bits out of weights: what each layer tells is measured on pictures like those it will
see, by NNCF, and no training follows.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from citybrain.vision.boxes import Box
from citybrain.vision.converting import plain_network
from citybrain.vision.eight_bit import EightBitNetwork
from citybrain.vision.environment import import_openvino
from citybrain.vision.fitting import letterbox, planes, shape_of
from citybrain.vision.openvino_eyes import as_model
from citybrain.vision.pictures import Pixels, read_picture
from citybrain.vision.shaped_eyes import ShapedEyes
from citybrain.vision.training.gather import labelled_boxes, photographs_of
from citybrain.vision.training.recipe import Recipe, check_photographs
from citybrain.vision.training.scoring import Tally
from citybrain.vision.weights import Weights

log = structlog.get_logger()

PICTURES = 300  # NNCF's own number; more change nothing that can be measured


def quantise(weights: Weights, pictures: Sequence[Path], imgsz: int, seed: int) -> EightBitNetwork:
    """The network of `weights` in eight bits, for pictures of any shape. It is measured on PICTURES of
    `pictures`, chosen by `seed`, with the longer side `imgsz` pixels, as workers will look. The head's last
    steps, from candidates to boxes, keep their precision.
    """
    openvino = import_openvino()  # before NNCF, which would report its use where OpenVINO may
    import nncf

    plain, picture, names = plain_network(weights, shape_of(1080, 1920, imgsz), dynamic=True)
    model = as_model(plain, picture)
    model.reshape([1, 3, -1, -1])
    chosen = random.Random(seed).sample(sorted(pictures), min(PICTURES, len(pictures)))  # noqa: S311
    head = rf"__module\.model\.{len(plain.model) - 1}(\.dfl.*)?/.*"
    found = nncf.quantize(
        model,
        nncf.Dataset(chosen, lambda path: _prepared(path, imgsz)),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(chosen),
        ignored_scope=nncf.IgnoredScope(patterns=[head]),
    )
    log.info("quantised", weights=weights.name, pictures=len(chosen), imgsz=imgsz)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.xml"
        openvino.save_model(found, str(file), compress_to_fp16=True)
        return EightBitNetwork(file.read_bytes(), file.with_suffix(".bin").read_bytes(), names)


def average_precisions(eyes: ShapedEyes, recipe: Recipe, photographs: Path) -> dict[str, float]:
    """AP50 on each split of the recipe's photographs that only measuring looks at. Raises
    PhotographsChangedError.
    """
    found = {}
    for chosen in recipe.photographs:
        folder = check_photographs(chosen, photographs)
        for part in chosen.test if chosen.classes else ():
            found[f"{chosen.name} {part}"] = average_precision(
                eyes.look, folder, part, chosen.classes, recipe.classes
            )
    return found


def average_precision(
    look: Callable[[Pixels], list[Box]],
    folder: Path,
    part: str,
    classes: dict[int, str],
    codes: Sequence[str],
) -> float:
    """AP50 of what is seen of `codes` on one split of a set, whose class numbers `classes` names; a thing
    counts as found whatever it was taken for.
    """
    tally = Tally()
    for picture, label in photographs_of(folder, part):
        seen = look(read_picture(picture.read_bytes()).image)
        named = [box for box in seen if box.class_code in codes]
        tally.add(labelled_boxes(label, classes), named, same_class=False)
    return tally.average_precision()


def _prepared(path: Path, imgsz: int) -> NDArray[np.float32]:
    image = read_picture(path.read_bytes(), imgsz).image
    fitted, _ = letterbox(image, shape_of(image.shape[0], image.shape[1], imgsz))
    return planes(fitted)
