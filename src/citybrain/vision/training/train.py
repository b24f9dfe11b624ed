"""Train a recipe's network from random weights, on the processor, within a number of minutes.

ultralytics trains in single precision on a processor; where the processor multiplies bfloat16 itself, the
forward pass runs in that (about three times faster) and the loss stays in single precision.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from citybrain.vision.environment import import_ultralytics
from citybrain.vision.training.recipe import Recipe, Stage

log = structlog.get_logger()


def train(recipe: Recipe, data: Path, folder: Path, threads: int) -> Path:
    """Train all stages on a gathered `data.yaml`; returns the last checkpoint,
    `<folder>/stage<n>/weights/last.pt`.

    A run that was broken off goes on from its last epoch when started again with the same `folder`; it gets
    the whole minutes of that stage again.
    """
    ultralytics = import_ultralytics(folder / "ultralytics")
    import torch

    torch.set_num_threads(threads)
    begin: Path | str = recipe.network
    with bfloat16_forward():
        for number, stage in enumerate(recipe.stages, 1):
            begin = _train_stage(ultralytics, recipe, stage, begin, data, folder / f"stage{number}", threads)
    return Path(begin)


def _train_stage(
    ultralytics: Any, recipe: Recipe, stage: Stage, begin: Path | str, data: Path, folder: Path, threads: int
) -> Path:
    last, finished = folder / "weights" / "last.pt", folder / "finished"
    if finished.exists():
        return last
    if last.exists():
        log.info("resuming", checkpoint=str(last))
        ultralytics.YOLO(last).train(resume=True, device="cpu", time=stage.minutes / 60)
    else:
        ultralytics.YOLO(begin).train(
            data=str(data),
            project=str(folder.parent),
            name=folder.name,
            exist_ok=True,
            pretrained=isinstance(begin, Path),  # the weights of the stage before, never anybody else's
            device="cpu",
            workers=threads,
            cache="ram",
            plots=False,
            val=False,  # once at the end: the minutes go into learning
            seed=recipe.seed,
            deterministic=True,
            imgsz=stage.imgsz,
            batch=stage.batch,
            nbs=stage.batch,  # the weights move after every batch: a short run has few of them
            time=stage.minutes / 60,
            optimizer=stage.optimizer,
            lr0=stage.learning_rate,
            warmup_epochs=stage.warmup_epochs,
            mosaic=stage.mosaic,
            close_mosaic=stage.close_mosaic,
        )
    finished.touch()
    log.info("stage trained", weights=str(last))
    return last


@contextmanager
def bfloat16_forward() -> Iterator[None]:
    """While inside, networks in training compute forwards in bfloat16, where the processor has it."""
    import torch
    from ultralytics.nn.tasks import BaseModel

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        yield
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
        yield
    finally:
        BaseModel.predict = plain


def _in_single_precision(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _in_single_precision(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_in_single_precision(value) for value in found)
    return found.float() if hasattr(found, "float") else found
