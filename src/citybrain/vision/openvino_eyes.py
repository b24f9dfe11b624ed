"""A network run by OpenVINO: pixels go in as they are, and what prepares them is compiled into the network.
Needs the vision environment.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.vision.environment import import_openvino
from citybrain.vision.fitting import Shape
from citybrain.vision.pictures import Pixels
from citybrain.vision.shaped_eyes import ShapedEyes


class OpenVinoEyes(ShapedEyes):
    """Counts as exactly as OpenVINO finds best for the processor; `device` says how."""

    ending = ".xml"

    @cached_property
    def _core(self) -> Any:
        return import_openvino().Core()

    def output(self, network: Any, prepared: Pixels) -> NDArray[np.float32]:
        told: NDArray[np.float32] = network.create_infer_request().infer({0: prepared[None]})[0]
        return told

    def _open(self, file: Path, shape: Shape) -> Any:
        network = self._compile(self._core.read_model(file), shape)
        precision = network.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.device = f"openvino cpu {precision}, {self.threads} threads"
        return network

    def _compile(self, model: Any, shape: Shape) -> Any:
        return self._core.compile_model(
            _with_preparation(model, shape),
            "CPU",
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "NUM_STREAMS": str(self.threads),
                "INFERENCE_NUM_THREADS": str(self.threads),
                # it would bind its first thread to the first core, and so would every other worker
                "ENABLE_CPU_PINNING": "NO",
            },
        )

    @staticmethod
    def write(network: Any, picture: Any, file: Path) -> None:
        """OpenVINO's own format, in half precision."""
        converted = as_model(network, picture)
        converted.reshape(list(picture.shape))
        import_openvino().save_model(converted, str(file), compress_to_fp16=True)


def as_model(network: Any, picture: Any) -> Any:
    """A torch network as OpenVINO's, for pictures of no certain shape. `picture` is an example.

    OpenVINO's converter would report its use to its maker; the frontend beneath it does not.
    """
    import_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    decoder = TorchScriptPythonDecoder(network, example_input=(picture,))
    frontend = FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(decoder))


def _with_preparation(model: Any, shape: Shape) -> Any:
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    prepared = PrePostProcessor(model)
    tensor = prepared.input().tensor()
    tensor.set_element_type(Type.u8).set_layout(Layout("NHWC")).set_color_format(ColorFormat.BGR)
    tensor.set_shape([1, *shape, 3])
    steps = prepared.input().preprocess()
    steps.convert_element_type(Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    prepared.input().model().set_layout(Layout("NCHW"))
    return prepared.build()
