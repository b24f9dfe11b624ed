"""A network in eight bits, run by OpenVINO: nothing is converted, one file serves pictures of every shape.
Needs the vision environment.
"""

from functools import cached_property
from typing import Any

from citybrain.vision.eight_bit import EightBitNetwork, beside, read
from citybrain.vision.fitting import Shape
from citybrain.vision.openvino_eyes import OpenVinoEyes


class EightBitEyes(OpenVinoEyes):
    """Raises EightBitError as well, when what lies beside the weights was not made from them."""

    @cached_property
    def _whole(self) -> EightBitNetwork:
        return read(beside(self.weights.path), self.weights.sha256)

    def _load(self, shape: Shape) -> Any:
        network = self._core.read_model(self._whole.structure, self._whole.numbers)
        network.reshape([1, 3, *shape])
        opened = self._compile(network, shape)
        self.device = f"openvino cpu int8, {self.threads} threads"
        return opened

    def _names(self, shape: Shape) -> dict[int, str]:
        return self._whole.names
