"""Recipes, the data a trainer gets, and the scoring of what a network finds."""

import hashlib
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vision_python import PYTHON, needs_vision

from citybrain.catalogue import ContentError
from citybrain.settings import SOURCE_TREE
from citybrain.vision.boxes import Box
from citybrain.vision.training.gather import gather, label_text, labelled_boxes
from citybrain.vision.training.recipe import (
    PhotographsChangedError,
    Recipe,
    Stage,
    dataset_version,
    digest_of,
    load_recipe,
)
from citybrain.vision.training.scoring import Tally, merged
from citybrain.vision.training.train import restore_broken_off

RECIPE = SOURCE_TREE / "detectors" / "models" / "yard_vehicles" / "recipe.yml"
RECIPES = sorted((SOURCE_TREE / "detectors" / "models").glob("*/recipe.yml"))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """One set of four labelled pictures, two a split."""
    folder = tmp_path / "photographs" / "street"
    random = np.random.default_rng(1)
    for split in ("train", "valid"):
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True)
        for number in range(2):
            pixels = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / split / f"{number}.jpg")
            (folder / "labels" / split / f"{number}.txt").write_text(
                "0 0.5 0.5 0.2 0.4\n7 0.1 0.1 0.1 0.1\n4 0.25 0.25 0.1 0.1\n"
            )
    return folder.parent


@pytest.fixture
def recipe(photographs: Path, tmp_path: Path) -> Recipe:
    """The project's recipe with the four pictures for its photographs and four scenes."""
    text = RECIPE.read_text(encoding="utf-8")
    head = text[: text.index("photographs:")]
    file = tmp_path / "recipe.yml"
    file.write_text(
        f"{head}photographs:\n"
        f"  - {{name: street, source: here, licence: none, sha256: {digest_of(photographs / 'street')},\n"
        "     train: [train], valid: [valid], classes: {0: car, 4: lorry}}\n"
        "rendered: {train: 3, valid: 1, width: 320}\n",
        encoding="utf-8",
    )
    return load_recipe(file)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_the_projects_recipes_can_be_read(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.parent.name
    assert {code for chosen in recipe.photographs for code in chosen.classes.values()} <= set(recipe.classes)
    for chosen in recipe.photographs:
        assert not set(chosen.test) & {*chosen.train, *chosen.valid}


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("2: car", "2: lory", "'lory' is not among the classes"),
        ("imgsz: 320", "imgsz: 330", "multiple of 32"),
        ("network: yolo11n.yaml", "network: yolo11n.pt", "network"),
        ("seed: 341600", "sead: 341600", "sead"),
    ],
)
def test_a_wrong_recipe_is_refused_by_line(tmp_path: Path, was: str, becomes: str, reason: str) -> None:
    file = tmp_path / "recipe.yml"
    text = RECIPE.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(ContentError, match=reason) as caught:
        load_recipe(file)
    assert str(file) in str(caught.value)


def test_a_trainer_gets_pictures_labels_and_names(recipe: Recipe, photographs: Path, tmp_path: Path) -> None:
    gathered = gather(recipe, photographs, tmp_path / "data", processes=1)
    assert gathered.pictures == {"train": 2 + 3, "valid": 2 + 1}
    assert gathered.boxes["train"]["lorry"] >= 2
    labels = (tmp_path / "data" / "labels" / "train" / "street_0.txt").read_text().splitlines()
    assert labels == ["0 0.500000 0.500000 0.200000 0.400000", "1 0.250000 0.250000 0.100000 0.100000"]
    for picture in (tmp_path / "data" / "images").glob("*/*.jpg"):
        label = tmp_path / "data" / "labels" / picture.parent.name / f"{picture.stem}.txt"
        for box in labelled_boxes(label, dict(enumerate(recipe.classes))):
            assert -1e-6 <= box.x1 < box.x2 <= 1 + 1e-6
            assert -1e-6 <= box.y1 < box.y2 <= 1 + 1e-6
    assert Image.open(tmp_path / "data" / "images" / "valid" / "scene_00000.jpg").width == 320


def _other_label(folder: Path) -> None:
    (folder / "labels" / "train" / "0.txt").write_text("0 0.5 0.5 0.3 0.3\n")


def _other_name(folder: Path) -> None:
    (folder / "images" / "train" / "0.jpg").rename(folder / "images" / "train" / "00.jpg")


@pytest.mark.parametrize("change", [_other_label, _other_name, shutil.rmtree])
def test_other_photographs_are_refused(
    recipe: Recipe, photographs: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    change(photographs / "street")
    with pytest.raises(PhotographsChangedError, match="street"):
        gather(recipe, photographs, tmp_path / "data", processes=1)


def box(x: float, score: float = 1.0, class_code: str = "car") -> Box:
    return Box(class_code, x, 0.1, x + 0.1, 0.2, score)


def test_scoring_of_right_wrong_and_missed_boxes() -> None:
    tally = Tally()
    tally.add([box(0.1), box(0.5)], [box(0.1, 0.9), box(0.8, 0.8)], same_class=True)  # one right, one wrong
    tally.add([box(0.3)], [box(0.3, 0.7), box(0.305, 0.6)], same_class=True)  # found twice: once wrong
    assert tally.at(0.0) == pytest.approx((2 / 3, 2 / 4))
    assert tally.at(0.85) == pytest.approx((1 / 3, 1.0))
    # precision 1 up to recall 1/3, then 2/3 up to recall 2/3, nothing beyond
    assert tally.average_precision() == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)


def test_scoring_of_perfect_and_of_blind_networks() -> None:
    perfect, blind = Tally(), Tally()
    for _ in range(3):
        perfect.add([box(0.1), box(0.4)], [box(0.1, 0.9), box(0.4, 0.8)], same_class=True)
        blind.add([box(0.1), box(0.4)], [], same_class=True)
    assert perfect.average_precision() == pytest.approx(1.0)
    assert blind.average_precision() == 0.0
    assert blind.at(0.3)[0] == 0.0


def test_tallies_of_pictures_add_up() -> None:
    pictures = [([box(0.1), box(0.5)], [box(0.1, 0.9), box(0.8, 0.8)]), ([box(0.3)], [box(0.3, 0.7)])]
    whole, parts = Tally(), [Tally(), Tally()]
    for part, (truth, found) in zip(parts, pictures, strict=True):
        whole.add(truth, found, same_class=True)
        part.add(truth, found, same_class=True)
    assert merged(parts) == whole
    assert merged([]).true == 0


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    boxes = [box(0.1, class_code="lorry"), box(0.5)]
    (tmp_path / "label.txt").write_text(label_text(boxes, ["car", "lorry"]), encoding="ascii")
    read = labelled_boxes(tmp_path / "label.txt", {0: "car", 1: "lorry"})
    assert [one.class_code for one in read] == ["lorry", "car"]
    assert [one.x1 for one in read] == pytest.approx([0.1, 0.5])


def test_the_kind_counts_only_when_asked() -> None:
    strict, lax = Tally(), Tally()
    for tally, same_class in ((strict, True), (lax, False)):
        tally.add([box(0.1)], [box(0.1, 0.9, "lorry")], same_class=same_class)
    assert strict.at(0.0)[0] == 0.0
    assert lax.at(0.0)[0] == 1.0


def test_a_stage_has_one_end_and_data_have_a_version(recipe: Recipe) -> None:
    text = {"imgsz": 64, "batch": 2, "optimizer": "AdamW", "learning_rate": 0.001}
    text |= {"warmup_epochs": 0, "mosaic": 0, "close_mosaic": 0}
    for ends in ({}, {"epochs": 3, "minutes": 3}):
        with pytest.raises(ValueError, match="name one of them"):
            Stage.model_validate(text | ends)
    other = recipe.model_copy(update={"seed": recipe.seed + 1})
    longer = recipe.model_copy(update={"stages": (Stage.model_validate(text | {"epochs": 3}),)})
    assert dataset_version(other) != dataset_version(recipe) == dataset_version(longer)


def _small(recipe: Path, epochs: int) -> None:
    """A stage that takes seconds."""
    text = recipe.read_text(encoding="utf-8")
    stage = f"  - {{epochs: {epochs}, imgsz: 64, batch: 2, optimizer: AdamW, learning_rate: 0.001,"
    before, after = text[: text.index("stages:")], text[text.index("photographs:") :]
    recipe.write_text(
        f"{before}stages:\n{stage} warmup_epochs: 0, mosaic: 0, close_mosaic: 0}}\n{after}", encoding="utf-8"
    )


def _training(below: Path, photographs: Path) -> list[str]:
    command = [str(PYTHON), "-m", "citybrain.vision.training", "train", "--threads", "1"]
    command += ["--recipe", str(below / "recipe.yml"), "--photographs", str(photographs)]
    return [*command, "--out", str(below / "out")]


def test_a_checkpoint_that_was_broken_off_is_replaced_by_the_one_before(tmp_path: Path) -> None:
    last, whole = tmp_path / "last.pt", tmp_path / "whole.pt"
    restore_broken_off(last)
    assert not last.exists()
    with zipfile.ZipFile(whole, "w") as checkpoint:
        checkpoint.writestr("data.pkl", b"an epoch" * 1000)
    last.write_bytes(whole.read_bytes()[:100])
    restore_broken_off(last)
    assert last.read_bytes() == whole.read_bytes()
    with zipfile.ZipFile(last, "w") as checkpoint:
        checkpoint.writestr("data.pkl", b"a later one")
    later = last.read_bytes()
    restore_broken_off(last)
    assert last.read_bytes() == later


def test_a_first_checkpoint_that_was_broken_off_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04 the beginning")
    restore_broken_off(tmp_path / "last.pt")
    assert not (tmp_path / "last.pt").exists()


@needs_vision
@pytest.mark.slow
def test_training_goes_on_after_its_last_epoch(recipe: Recipe, photographs: Path, tmp_path: Path) -> None:
    """Two epochs of seven pictures; the process is killed after the first, in the midst of writing."""
    _small(tmp_path / "recipe.yml", epochs=2)
    out, last = tmp_path / "out", tmp_path / "out" / "stage1" / "weights" / "last.pt"
    whole = last.with_name("whole.pt")
    command = _training(tmp_path, photographs)
    environment = os.environ | {"CITYBRAIN_HOME": str(tmp_path / "home")}
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + 900  # on a busy machine a first step takes minutes
        while not whole.exists() and first.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        first.kill()
        first.wait()
        assert whole.exists(), (tmp_path / "log").read_text()[-2000:]
        last.write_bytes(whole.read_bytes()[:100_000])
        for _ in range(2):  # to its end; then once more, which finds it done
            subprocess.run(command, env=environment, stdout=log, stderr=log, check=True, timeout=900)
    epochs = (out / "stage1" / "results.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0].strip() for line in epochs] == ["1", "2"]
    told = json.loads((out / "trained.json").read_text())
    assert told["began_from"] == {"weights": "random"}
    assert told["dataset_version"] == dataset_version(load_recipe(tmp_path / "recipe.yml"))


@needs_vision
@pytest.mark.slow
def test_an_epoch_goes_on_from_a_network_that_knows_more(
    recipe: Recipe, photographs: Path, tmp_path: Path
) -> None:
    """The shipped network knows five classes; two are learnt on, and where it began is kept."""
    _small(tmp_path / "recipe.yml", epochs=30)
    begin = RECIPE.with_name("weights.pt")
    command = [*_training(tmp_path, photographs), "--from", str(begin), "--epochs", "1"]
    environment = os.environ | {"CITYBRAIN_HOME": str(tmp_path / "home")}
    with (tmp_path / "log").open("wb") as log:
        subprocess.run(command, env=environment, stdout=log, stderr=log, check=True, timeout=900)
    assert (tmp_path / "out" / "stage1" / "weights" / "last.pt").stat().st_size > 1_000_000
    told = json.loads((tmp_path / "out" / "trained.json").read_text())
    assert told["began_from"] == {
        "weights": "weights", "origin": "folder", "sha256": hashlib.sha256(begin.read_bytes()).hexdigest()
    }  # fmt: skip
    assert told["epochs_at_most"] == 1
    assert "Transferred" in (tmp_path / "log").read_text(errors="replace")  # layers, not random numbers
