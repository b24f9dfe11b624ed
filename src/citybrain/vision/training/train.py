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
from citybrain.vision.training.recipe import Recipe

log = structlog.get_logger()


def train(recipe: Recipe, data: Path, folder: Path, minutes: float | None, threads: int) -> Path:
    """Train on a gathered `data.yaml`; returns the best checkpoint, `folder/run/weights/best.pt`.

    A run that was broken off goes on from its last epoch when started again with the same `folder`.
    """
    ultralytics = import_ultralytics(folder / "ultralytics")
    import torch

    torch.set_num_threads(threads)
    last = folder / "run" / "weights" / "last.pt"
    schedule = recipe.schedule
    minutes = schedule.minutes if minutes is None else minutes
    with bfloat16_forward():
        if last.exists():
            log.info("resuming", checkpoint=str(last))
            ultralytics.YOLO(last).train(resume=True, device="cpu", time=minutes / 60)
        else:
            ultralytics.YOLO(recipe.network).train(
                data=str(data),
                project=str(folder),
                name="run",
                exist_ok=True,
                pretrained=False,
                device="cpu",
                workers=0,
                cache="ram",
                plots=False,
                val=False,  # once at the end: the minutes go into learning
                seed=recipe.seed,
                deterministic=True,
                imgsz=schedule.imgsz,
                batch=schedule.batch,
                nbs=schedule.batch,  # the weights move after every batch: a short run has few of them
                epochs=schedule.epochs,
                time=minutes / 60,
                optimizer=schedule.optimizer,
                lr0=schedule.learning_rate,
                warmup_epochs=schedule.warmup_epochs,
                mosaic=schedule.mosaic,
                close_mosaic=schedule.close_mosaic,
            )
    best = folder / "run" / "weights" / "best.pt"
    log.info("trained", weights=str(best))
    return best


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
