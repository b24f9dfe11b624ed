"""Quantising as a command: makes the network, compares it with the weights it was made from, keeps it."""

import tempfile
from pathlib import Path

from citybrain.settings import get_settings
from citybrain.vision.eight_bit import beside, write
from citybrain.vision.eight_bit_eyes import EightBitEyes
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.training.quantise import average_precisions, quantise
from citybrain.vision.training.recipe import Recipe
from citybrain.vision.weights import named_or_file


def quantise_and_compare(
    recipe: Recipe, data: Path, photographs: Path, file: Path, imgsz: int, most_lost: float, threads: int
) -> bool:
    """Write the network in eight bits beside the weights `file`; False, and nothing is left there, when on
    some set of test photographs its AP50 is lower by more than `most_lost`. Raises PhotographsChangedError.
    """
    weights = named_or_file(get_settings(), str(file))
    target = beside(file)
    network = quantise(weights, list((data / "images" / "train").iterdir()), imgsz, recipe.seed)
    write(target, network, weights.sha256)
    with tempfile.TemporaryDirectory() as kept:
        before, after = (
            average_precisions(eyes(weights, imgsz, Path(kept), threads=threads), recipe, photographs)
            for eyes in (OpenVinoEyes, EightBitEyes)
        )
    for name, was in before.items():
        print(f"{name}: AP50 {was:.4f} as trained, {after[name]:.4f} in eight bits")  # noqa: T201
    worse = [name for name, was in before.items() if was - after[name] > most_lost]
    if worse:
        target.unlink()
        print(f"more than {most_lost} lost on {', '.join(worse)}: nothing written")  # noqa: T201
    return not worse
