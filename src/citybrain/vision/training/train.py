"""Train a recipe's network, on the processor: from random weights, or onward from weights that are named.

ultralytics trains in single precision on a processor; where the processor multiplies bfloat16 itself, the
forward pass runs in that (about three times faster) and the loss stays in single precision.
"""

import json
import math
import platform
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from citybrain.vision.environment import import_ultralytics
from citybrain.vision.training.recipe import Recipe, Stage, dataset_version
from citybrain.vision.weights import Weights

log = structlog.get_logger()


def train(
    recipe: Recipe,
    data: Path,
    folder: Path,
    threads: int,
    begin: Weights | None = None,
    epochs: int | None = None,
) -> Path:
    """Train all stages on a gathered `data.yaml`; returns the last checkpoint,
    `<folder>/stage<n>/weights/last.pt`, written after every epoch, with `<folder>/trained.json` beside it.

    Without `begin` the weights start as random numbers. `epochs` bounds every stage, for a trial. A run that
    was broken off goes on after its last epoch when started again with the same `folder`; a stage of minutes
    gets the whole of them again.
    """
    ultralytics = import_ultralytics(folder / "ultralytics")
    import torch

    torch.set_num_threads(threads)
    began, origin = time.monotonic(), _origin(begin)
    start: Path | str = begin.path if begin is not None else recipe.network
    with bfloat16_forward() as precision:
        for number, stage in enumerate(recipe.stages, 1):
            if epochs is not None:
                stage = stage.model_copy(update={"epochs": epochs, "minutes": None})
            start = _train_stage(ultralytics, recipe, stage, start, data, folder / f"stage{number}", threads)
    told = {
        "name": recipe.name,
        "began_from": origin,
        "dataset_version": dataset_version(recipe),
        "seed": recipe.seed,
        "stages": [stage.model_dump(exclude_none=True) for stage in recipe.stages],
        "epochs_at_most": epochs,
        "forward_precision": precision,
        "ultralytics": ultralytics.__version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "seconds_of_this_run": round(time.monotonic() - began),
    }
    (folder / "trained.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return Path(start)


def _origin(begin: Weights | None) -> dict[str, str]:
    if begin is None:
        return {"weights": "random"}
    return {"weights": begin.name, "origin": begin.origin, "sha256": begin.sha256}


def _train_stage(
    ultralytics: Any, recipe: Recipe, stage: Stage, begin: Path | str, data: Path, folder: Path, threads: int
) -> Path:
    last, finished = folder / "weights" / "last.pt", folder / "finished"
    if finished.exists():
        return last
    hours = {"time": stage.minutes / 60} if stage.minutes is not None else {}
    restore_broken_off(last)
    done = _epochs_done(last)
    if done is not None and 0 <= done < (stage.epochs or math.inf):
        log.info("resuming", checkpoint=str(last), epochs_done=done)
        network = ultralytics.YOLO(last)
        network.add_callback("on_model_save", keep_whole)
        network.train(resume=True, device="cpu", **hours)
    elif done is None:
        if stage.epochs is not None:
            hours = {"epochs": stage.epochs}
        network = ultralytics.YOLO(begin)
        network.add_callback("on_model_save", keep_whole)
        network.train(
            data=str(data),
            project=str(folder.parent),
            name=folder.name,
            exist_ok=True,
            pretrained=isinstance(begin, Path),  # the weights named, or none: never anybody else's
            device="cpu",
            workers=threads,
            cache="ram",
            plots=False,
            val=False,  # once at the end: the time goes into learning
            seed=recipe.seed,
            deterministic=True,
            imgsz=stage.imgsz,
            batch=stage.batch,
            nbs=stage.batch,  # the weights move after every batch: a short run has few of them
            optimizer=stage.optimizer,
            lr0=stage.learning_rate,
            warmup_epochs=stage.warmup_epochs,
            mosaic=stage.mosaic,
            close_mosaic=stage.close_mosaic,
            **hours,
        )
    finished.touch()
    log.info("stage trained", weights=str(last))
    return last


def keep_whole(trainer: Any) -> None:
    """Have a second copy of the checkpoint just written: ultralytics writes `last.pt` over itself, and a
    process that dies meanwhile leaves a part of it.
    """
    draft = trainer.last.with_suffix(".draft")
    shutil.copyfile(trainer.last, draft)
    draft.replace(_whole(trainer.last))


def restore_broken_off(last: Path) -> None:
    """Put the second copy in the place of a checkpoint of which only a part was written. Without a copy the
    part goes: nothing was kept of the stage yet.
    """
    if not last.exists() or zipfile.is_zipfile(last):
        return
    if _whole(last).exists():
        shutil.copyfile(_whole(last), last)
    else:
        last.unlink()
    log.warning("a checkpoint was broken off", checkpoint=str(last), restored=last.exists())


def _whole(last: Path) -> Path:
    return last.with_name("whole.pt")


def _epochs_done(checkpoint: Path) -> int | None:
    """How many epochs a checkpoint has behind it; -1 when its stage is finished, None when there is none."""
    if not checkpoint.exists():
        return None
    from ultralytics.nn.tasks import torch_safe_load

    kept, _ = torch_safe_load(str(checkpoint))
    epoch = int(kept["epoch"])
    return epoch + 1 if epoch >= 0 else -1


@contextmanager
def bfloat16_forward() -> Iterator[str]:
    """While inside, networks in training compute forwards in bfloat16, where the processor has it; gives the
    name of the precision.
    """
    import torch
    from ultralytics.nn.tasks import BaseModel

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        yield "float32"
        return
    plain = BaseModel.predict

    def predict(model: Any, pictures: Any, *rest: Any, **named: Any) -> Any:
        if not model.training:
            return plain(model, pictures, *rest, **named)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = plain(model, pictures.contiguous(memory_format=torch.channels_last), *rest, **named)
        return _in_single_precision(found)

    BaseModel.predict = predict
    try:
        yield "bfloat16"
    finally:
        BaseModel.predict = plain


def _in_single_precision(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _in_single_precision(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_in_single_precision(value) for value in found)
    return found.float() if hasattr(found, "float") else found
