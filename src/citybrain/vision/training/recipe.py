"""A detector's recipe: `detectors/models/<name>/recipe.yml` says all that its weights were made from.

Whoever has the same photographs (the hash tells) trains the same network again.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from citybrain.catalogue import ContentModel, load_content

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]


class PhotographSet(ContentModel):
    """Labelled photographs: `images/<split>/*.jpg` beside `labels/<split>/*.txt` (YOLO lines: class, centre,
    size as fractions). `classes` maps the set's class numbers to ours; a number left out is not learnt.
    """

    name: Code
    source: str
    licence: str
    sha256: Sha256
    train: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = Field(default=(), description="splits that only measuring looks at")
    classes: dict[int, Code] = Field(
        default={}, description="the set's class numbers as our codes; none: scenes with nothing to find"
    )
    note: str = ""


class RenderedScenes(ContentModel):
    """Pictures drawn by the demo city: with vehicles in and beside the lanes, and of empty yards. Things of
    classes that the recipe does not name are in the picture and not in its labels.
    """

    train: int = Field(default=0, ge=0, description="pictures, about a third of them without any vehicle")
    valid: int = Field(default=0, ge=0)
    width: int = Field(default=480, ge=160, description="pixels; the height follows")


class Stage(ContentModel):
    """How the network learns, for `epochs` or for `minutes`; the learning rate falls to a hundredth of its
    value meanwhile. Minutes count on while a process is halted, epochs do not.
    """

    imgsz: int = Field(ge=64, multiple_of=32)
    batch: int = Field(ge=1)
    epochs: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    optimizer: str
    learning_rate: float = Field(gt=0)
    warmup_epochs: float = Field(ge=0)
    mosaic: float = Field(ge=0, le=1)
    close_mosaic: int = Field(ge=0)

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if (self.epochs is None) == (self.minutes is None):
            raise ValueError("a stage ends after epochs or after minutes: name one of them")
        return self


class Recipe(ContentModel):
    """All of it. `network` names an architecture file of ultralytics: the weights begin as random numbers."""

    name: Code
    title: str
    network: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+\.yaml$")]
    classes: tuple[Code, ...]
    seed: int
    stages: tuple[Stage, ...] = Field(
        min_length=1, description="each goes on from the weights of the one before"
    )
    photographs: tuple[PhotographSet, ...]
    rendered: RenderedScenes = RenderedScenes()

    @model_validator(mode="after")
    def _known_classes(self) -> Self:
        for photographs in self.photographs:
            for code in photographs.classes.values():
                if code not in self.classes:
                    raise ValueError(f"{photographs.name}: {code!r} is not among the classes")
        return self


class PhotographsChangedError(RuntimeError):
    """A folder does not hold the photographs the recipe names."""


def load_recipe(path: Path) -> Recipe:
    """Raises ContentError."""
    return load_content(path, Recipe)


def dataset_version(recipe: Recipe) -> str:
    """One SHA-256 over all that decides which pictures and labels a trainer gets."""
    parts = recipe.model_dump(mode="json", include={"classes", "seed", "photographs", "rendered"})
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def digest_of(folder: Path) -> str:
    """One SHA-256 over the names and contents of everything in `images/` and `labels/`."""
    whole = hashlib.sha256()
    files = [file for part in ("images", "labels") for file in (folder / part).rglob("*") if file.is_file()]
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()


def check_photographs(photographs: PhotographSet, below: Path) -> Path:
    """The set's folder below `below`. Raises PhotographsChangedError when it is missing or not the same."""
    folder = below / photographs.name
    if not folder.is_dir():
        raise PhotographsChangedError(f"{folder} is missing: {photographs.source}")
    found = digest_of(folder)
    if found != photographs.sha256:
        raise PhotographsChangedError(
            f"{folder} is not what the recipe was made with: sha256 {found}, expected {photographs.sha256}"
        )
    return folder
