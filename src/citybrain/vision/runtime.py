"""What a network runs on here: torch where there is a graphics card, else OpenVINO on the processor, or ONNX
Runtime where OpenVINO has nothing for the machine.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import structlog

from citybrain.settings import Settings
from citybrain.vision.boxes import Box
from citybrain.vision.eight_bit import EightBitError, beside, quicker_here
from citybrain.vision.pictures import Pixels
from citybrain.vision.weights import Weights

log = structlog.get_logger(__name__)

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")

Runtime = Literal["torch", "openvino", "onnxruntime"]


class AnyEyes(Protocol):
    """A loaded network; `device` says what it runs on and how exactly it counts."""

    device: str

    def look(self, image: Pixels) -> list[Box]: ...

    def look_many(self, images: Sequence[Pixels]) -> list[list[Box]]: ...


def open_eyes(
    settings: Settings, weights: Weights, imgsz: int, names: Mapping[str, str], threads: int
) -> AnyEyes:
    """Load a network on what CITYBRAIN_VISION_RUNTIME says; `auto` takes the fastest that is here. OpenVINO
    counts in eight bits where that is quicker and the weights have a network for it.

    Raises VisionEnvironmentError, FileNotFoundError.
    """
    runtime = settings.vision_runtime
    if runtime == "auto":
        runtime = fastest_here()
    kept = settings.data_dir / "vision" / runtime
    if runtime == "torch":
        from citybrain.vision.eyes import Eyes

        return Eyes(weights, imgsz, names, threads)
    if runtime == "onnxruntime":
        from citybrain.vision.onnx_eyes import OnnxEyes

        return OnnxEyes(weights, imgsz, kept, names, threads)
    if settings.vision_eight_bit and beside(weights.path).is_file() and quicker_here():
        from citybrain.vision.eight_bit_eyes import EightBitEyes

        try:
            return EightBitEyes(weights, imgsz, kept, names, threads)
        except EightBitError as error:
            log.warning("counting as the weights do", weights=weights.name, error=str(error))
    from citybrain.vision.openvino_eyes import OpenVinoEyes

    return OpenVinoEyes(weights, imgsz, kept, names, threads)


def fastest_here(driver: Path = NVIDIA_DRIVER) -> Runtime:
    """torch where `driver` says that there is a graphics card (torch, which would know, takes seconds to
    load), else OpenVINO, else ONNX Runtime where OpenVINO is not installed.
    """
    if driver.exists():
        return "torch"
    return "openvino" if importlib.util.find_spec("openvino") else "onnxruntime"
