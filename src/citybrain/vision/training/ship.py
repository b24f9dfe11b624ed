"""Weights as the project ships them: a network alone, in half precision."""

from pathlib import Path

from citybrain.settings import get_settings
from citybrain.vision.environment import import_ultralytics

LICENCE = "AGPL-3.0"


def ship(checkpoint: Path, weights: Path) -> None:
    """Write the smoothed weights of `checkpoint`; nothing of the run or its optimiser goes along."""
    import_ultralytics(get_settings().data_dir / "vision" / "ultralytics")
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    kept, _ = torch_safe_load(str(checkpoint))
    network = (kept.get("ema") or kept["model"]).half()
    for parameter in network.parameters():
        parameter.requires_grad = False
    network.args = {"imgsz": kept["train_args"]["imgsz"], "task": "detect"}
    network.criterion = None
    vars(network).pop("pt_path", None)  # where a run that was resumed had its checkpoint
    weights.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "model": network,
            "train_args": network.args,
            "version": kept["version"],
            "date": kept["date"],
            "license": LICENCE,
        },
        weights,
    )
