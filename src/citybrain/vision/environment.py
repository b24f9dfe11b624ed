"""The vision environment: whether this interpreter has it, and a network library that keeps to itself."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from citybrain.settings import Settings

NEEDED = ("torch", "ultralytics", "cv2", "onnxruntime")


class VisionEnvironmentError(RuntimeError):
    """This interpreter cannot run a network; the message says which can and how to get it."""


def interpreter(settings: Settings) -> Path:
    """The Python that vision workers run in, whether it is installed or not."""
    return settings.project / ".venv-vision" / "bin" / "python"


def require_environment() -> None:
    """Raises VisionEnvironmentError unless all of NEEDED can be imported here."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise VisionEnvironmentError(
            f"{sys.executable} has no {', '.join(missing)}: networks run in .venv-vision/bin/python,"
            " which `scripts/bootstrap.sh run` installs"
        )


def import_onnxruntime() -> Any:
    """ONNX Runtime, reporting to nobody: from 1.32 on it calls its maker's servers from its import on, unless
    the environment forbids it before. Raises VisionEnvironmentError.
    """
    require_environment()
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def import_openvino() -> Any:
    """OpenVINO, reporting to nobody: 2026.4 reports its use as it is imported, unless it cannot find the
    module that does so. Raises VisionEnvironmentError.
    """
    require_environment()
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def import_ultralytics(folder: Path, network: bool = False) -> Any:
    """ultralytics, with its settings in `folder`, reporting to nobody, installing nothing, and fetching
    nothing unless `network`. Takes several seconds and half a gigabyte the first time.

    Raises VisionEnvironmentError.
    """
    require_environment()
    if "ultralytics" not in sys.modules:
        folder.mkdir(parents=True, exist_ok=True)
        os.environ |= {
            "YOLO_CONFIG_DIR": str(folder),
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "false" if network else "true",
            # A weights file is a pickle: only the classes of networks may come out of it, no other code.
            "ULTRALYTICS_SAFE_LOAD": "true",
        }
    import ultralytics
    from ultralytics.utils.events import events

    events.enabled = False
    if ultralytics.settings["sync"]:
        ultralytics.settings.update({"sync": False, "vscode_msg": False, "openvino_msg": False})
    return ultralytics
