"""A network run by ONNX Runtime, for processors that OpenVINO does not serve well, ARM among them. Needs the
vision environment.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.environment import import_onnxruntime
from citybrain.vision.fitting import Shape, planes
from citybrain.vision.pictures import Pixels
from citybrain.vision.shaped_eyes import ShapedEyes

OPSET = 17


class OnnxEyes(ShapedEyes):
    """Counts in single precision."""

    ending = ".onnx"

    def output(self, network: Any, prepared: Pixels) -> NDArray[np.float32]:
        told: NDArray[np.float32] = network.run(None, {"pictures": planes(prepared)})[0]
        return told

    def _open(self, file: Path, shape: Shape) -> Any:
        runtime = import_onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.device = f"onnxruntime cpu f32, {self.threads} threads"
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    @staticmethod
    def write(network: Any, picture: Any, file: Path) -> None:
        import torch

        torch.onnx.export(
            network,
            (picture,),
            str(file),
            opset_version=OPSET,
            input_names=["pictures"],
            output_names=["candidates"],
            dynamo=False,  # the newer exporter needs a converter of its own and gains nothing here
        )
