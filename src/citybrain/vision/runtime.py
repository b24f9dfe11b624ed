"""What a network runs on here: torch where there is a graphics card, else OpenVINO on the processor."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.pictures import Pixels
from citybrain.vision.weights import Weights


class AnyEyes(Protocol):
    """A loaded network; `device` says what it runs on and how exactly it counts."""

    device: str

    def look(self, image: Pixels) -> list[Box]: ...

    def look_many(self, images: Sequence[Pixels]) -> list[list[Box]]: ...


def open_eyes(
    settings: Settings, weights: Weights, imgsz: int, names: Mapping[str, str], threads: int
) -> AnyEyes:
    """Load a network on what CITYBRAIN_VISION_RUNTIME says; `auto` looks for a graphics card.

    Raises VisionEnvironmentError, FileNotFoundError.
    """
    runtime = settings.vision_runtime
    if runtime == "auto":
        runtime = "torch" if _has_cuda() else "openvino"
    if runtime == "torch":
        from citybrain.vision.eyes import Eyes

        return Eyes(weights, imgsz, names, threads)
    from citybrain.vision.openvino_eyes import OpenVinoEyes

    return OpenVinoEyes(weights, imgsz, settings.data_dir / "vision" / "openvino", names, threads)


def _has_cuda() -> bool:
    """Whether the driver of a graphics card is here; torch, which would know, takes seconds to load."""
    from pathlib import Path

    return Path("/proc/driver/nvidia/version").exists()
