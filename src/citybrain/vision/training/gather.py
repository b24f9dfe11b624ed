"""From a recipe to a folder a trainer reads: pictures, YOLO labels and `data.yaml`."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from citybrain.vision.boxes import Box
from citybrain.vision.training.recipe import PhotographSet, Recipe, check_photographs, dataset_version
from citybrain.vision.training.scenes import draw_scenes

log = structlog.get_logger()


@dataclass
class Gathered:
    """What lies in the folder: pictures a split, and boxes a class and split."""

    data: Path
    pictures: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, dict[str, int]] = field(default_factory=dict)


def gather(recipe: Recipe, photographs: Path, folder: Path, processes: int) -> Gathered:
    """Fill `folder` (emptied first) from the photograph sets below `photographs` and from rendered scenes.

    Raises PhotographsChangedError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    gathered = Gathered(folder / "data.yaml")
    for chosen in recipe.photographs:
        source = check_photographs(chosen, photographs)
        for split, parts in (("train", chosen.train), ("valid", chosen.valid)):
            for part in parts:
                _take(recipe, chosen, source, part, folder / "images" / split, gathered)
    for split, count, seed in (
        ("train", recipe.rendered.train, recipe.seed),
        ("valid", recipe.rendered.valid, recipe.seed + 1),
    ):
        target = folder / "images" / split
        drawn = draw_scenes(count, recipe.rendered.width, seed, split == "train", processes)
        for name, jpeg, boxes in drawn:
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{name}.jpg").write_bytes(jpeg)
            named = [box for box in boxes if box.class_code in recipe.classes]
            _label(recipe, target / f"{name}.jpg", named, gathered)
    names = dict(enumerate(recipe.classes))
    gathered.data.write_text(
        json.dumps({"path": str(folder), "train": "images/train", "val": "images/valid", "names": names})
    )
    (folder / "gathered.json").write_text(
        json.dumps(
            {
                "dataset_version": dataset_version(recipe),
                "pictures": gathered.pictures,
                "boxes": gathered.boxes,
            },
            indent=1,
        )
    )
    log.info("gathered", pictures=gathered.pictures, boxes=gathered.boxes)
    return gathered


def is_gathered(recipe: Recipe, folder: Path) -> bool:
    """Whether `folder` holds exactly the data of this recipe, gathered to its end."""
    told = folder / "gathered.json"
    if not told.is_file():
        return False
    found: dict[str, object] = json.loads(told.read_text(encoding="utf-8"))
    return found.get("dataset_version") == dataset_version(recipe)


def labelled_boxes(label: Path, classes: dict[int, str]) -> list[Box]:
    """The boxes of a YOLO label file whose class number is in `classes`."""
    boxes = []
    for line in label.read_text(encoding="ascii").splitlines():
        number, *numbers = line.split()
        code = classes.get(int(number))
        if code is not None:
            x, y, width, height = map(float, numbers[:4])
            boxes.append(Box(code, x - width / 2, y - height / 2, x + width / 2, y + height / 2, 1.0))
    return boxes


def label_text(boxes: Iterable[Box], classes: Sequence[str]) -> str:
    """The boxes as a YOLO label file; a class's number is its place in `classes`."""
    lines = []
    for box in boxes:
        x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
        number = classes.index(box.class_code)
        lines.append(f"{number} {x:.6f} {y:.6f} {box.x2 - box.x1:.6f} {box.y2 - box.y1:.6f}\n")
    return "".join(lines)


def photographs_of(source: Path, part: str) -> list[tuple[Path, Path]]:
    """Picture and label file of one split of a set, in the order of their names."""
    pictures = sorted((source / "images" / part).iterdir())
    return [(picture, source / "labels" / part / f"{picture.stem}.txt") for picture in pictures]


def _take(
    recipe: Recipe, chosen: PhotographSet, source: Path, part: str, target: Path, gathered: Gathered
) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for picture, label in photographs_of(source, part):
        copy = target / f"{chosen.name}_{picture.name}"
        shutil.copyfile(picture, copy)
        _label(recipe, copy, labelled_boxes(label, chosen.classes), gathered)


def _label(recipe: Recipe, picture: Path, boxes: Iterable[Box], gathered: Gathered) -> None:
    split = picture.parent.name
    label = picture.parents[2] / "labels" / split / f"{picture.stem}.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    boxes = list(boxes)
    counts = gathered.boxes.setdefault(split, dict.fromkeys(recipe.classes, 0))
    for box in boxes:
        counts[box.class_code] += 1
    label.write_text(label_text(boxes, recipe.classes), encoding="ascii")
    gathered.pictures[split] = gathered.pictures.get(split, 0) + 1
