"""Quantises the shipped network on drawn yards, compares it on others, and tells what became of it."""

import json
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from citybrain.settings import get_settings
from citybrain.vision.eight_bit import beside
from citybrain.vision.training.gather import label_text
from citybrain.vision.training.quantising import quantise_and_compare
from citybrain.vision.training.recipe import PhotographSet, digest_of, load_recipe
from citybrain.vision.training.yardstick import draw_yard

place = Path(sys.argv[1])
model = get_settings().detectors_dir / "models" / "yard_vehicles"
recipe = load_recipe(model / "recipe.yml")
asked: list[str] = []
plain = socket.getaddrinfo


def heard(host: Any, *rest: Any, **named: Any) -> Any:
    asked.append(str(host))
    return plain(host, *rest, **named)


socket.getaddrinfo = heard


def draw(folder: Path, split: str, starts: range) -> None:
    for part in ("images", "labels"):
        (folder / part / split).mkdir(parents=True)
    for start in starts:
        for number, scene in enumerate(draw_yard(start, 2, in_lane=True, in_bays=True)):
            name = f"{start}_{number}"
            (folder / "images" / split / f"{name}.jpg").write_bytes(scene.jpeg)
            (folder / "labels" / split / f"{name}.txt").write_text(label_text(scene.truth, recipe.classes))


draw(place / "data", "train", range(0, 48, 4))
drawn = place / "photographs" / "yard_vehicles"
draw(drawn, "drawn", range(80, 128, 4))
yards = PhotographSet(
    name="yard_vehicles",
    source="drawn here",
    licence="AGPL-3.0",
    sha256=digest_of(drawn),
    test=("drawn",),
    classes=dict(enumerate(recipe.classes)),
)
recipe = recipe.model_copy(update={"photographs": (yards,)})
weights = Path(shutil.copy(model / "weights.pt", place / "weights.pt"))


def kept(most_lost: float) -> bool:
    return quantise_and_compare(recipe, place / "data", drawn.parent, weights, 416, most_lost, 2)


told = {
    "kept": kept(most_lost=0.1),
    "left": beside(weights).is_file(),
    "kept_when_it_must_gain": kept(most_lost=-1),
    "left_then": beside(weights).is_file(),
    "asked_for": asked,
}
sys.stdout.write("\n" + json.dumps(told))
