"""Reads a weights file that would write a file when unpickled; tells whether it was refused and what ran."""

import json
import sys
from pathlib import Path

import torch

from citybrain.vision.eyes import Eyes
from citybrain.vision.weights import Weights

folder = Path(sys.argv[1])
trace = folder / "ran"


class Poison:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (trace,)


torch.save({"model": Poison()}, folder / "poisoned.pt")
refused = ""
try:
    Eyes(Weights("poisoned", folder / "poisoned.pt", "folder", "0" * 64), 320)
except Exception as error:  # noqa: BLE001  # however it is refused
    refused = f"{type(error).__name__}: {error}"[:300]
sys.stdout.write(json.dumps({"refused": refused, "ran": trace.exists()}))
