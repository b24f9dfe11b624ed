"""Random numbers that are a pure function of (seed, stream, key): any hour or firm stands on its own.

A history written in one go and the same history written day by day are therefore the same, and a station's
re-stated hours repeat themselves.
"""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def uniform(seed: int, stream: str, keys: Keys) -> Floats:
    """One number in (0, 1) for each key."""
    with np.errstate(over="ignore"):
        origin = _mixed(np.array([seed], dtype=np.uint64) * _GOLDEN + np.uint64(crc32(stream.encode())))
        bits = _mixed(_mixed(keys.astype(np.uint64) * _GOLDEN + origin))
    numbers: Floats = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def normal(seed: int, stream: str, keys: Keys) -> Floats:
    """One standard normal number for each key (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(seed, f"{stream}/radius", keys)))
    numbers: Floats = radius * np.cos(2.0 * np.pi * uniform(seed, f"{stream}/angle", keys))
    return numbers


def smooth(seed: int, stream: str, moments: Keys, period: int) -> Floats:
    """A slowly varying number of about unit variance: normal nodes every `period`, eased between them."""
    node, within = np.divmod(moments, period)
    share = within / period
    ease = share * share * (3.0 - 2.0 * share)
    before, after = normal(seed, stream, node), normal(seed, stream, node + 1)
    blended: Floats = (before * (1.0 - ease) + after * ease) / np.sqrt((1.0 - ease) ** 2 + ease**2)
    return blended
