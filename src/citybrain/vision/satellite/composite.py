"""Several scenes of one quarter as one picture without clouds: each pixel's median when it was clear."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

CLEAR = 1  # of a scene's third band
SCALE = 10_000  # reflectance 1

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Composite:
    """`ndvi` and `reflectance` (red and near infrared together, 0 to 2) of height x width pixels; nan where
    nothing was clear. `reflectance` is None where only an index was delivered.
    """

    ndvi: Floats
    reflectance: Floats | None

    @property
    def seen(self) -> Flags:
        return np.asarray(np.isfinite(self.ndvi))


def composite_of(bands: Sequence[NDArray[np.uint16]]) -> Composite:
    """Of scenes on one grid: red, near infrared and mask, (3, height, width) each; at least one scene."""
    ndvis: list[Floats] = []
    lights: list[Floats] = []
    for red, infrared, mask in bands:
        clear = mask == CLEAR
        light: Floats = np.where(clear, red.astype(np.float32) + infrared, np.nan).astype(np.float32)
        difference: Floats = infrared.astype(np.float32) - red
        ndvis.append(np.divide(difference, light, out=np.full_like(light, np.nan), where=light > 0))
        lights.append((light / SCALE).astype(np.float32))
    return Composite(_median(ndvis), _median(lights))


def composite_of_index(ndvi: NDArray[np.floating], clear: Flags) -> Composite:
    """Of an index alone: (times, height, width), and when each pixel was clear."""
    layers: Floats = np.where(clear, ndvi, np.nan).astype(np.float32)
    return Composite(_median([layers[time] for time in range(len(layers))]), None)


def _median(layers: Sequence[Floats]) -> Floats:
    if len(layers) == 1:
        return layers[0]
    whole = np.stack(layers)
    seen = reduce(np.logical_or, (np.isfinite(layer) for layer in layers))
    # A pixel that was never clear stays nan, and numpy shall not warn of it.
    whole[:, ~seen] = 0
    median = np.nanmedian(whole, axis=0)
    return np.where(seen, median, np.nan).astype(np.float32)
