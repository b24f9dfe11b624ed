"""The air-quality index of HJ 633-2012 from hourly concentrations, in the national network's wording."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INDEX = [0, 50, 100, 150, 200, 300, 400, 500]
# Concentrations at those indices: µg/m³, CO in mg/m³. PM as the network publishes hours: the daily table.
BREAKPOINTS = {
    "pm2_5": [0, 35, 75, 115, 150, 250, 350, 500],
    "pm10": [0, 50, 150, 250, 350, 420, 500, 600],
    "so2": [0, 150, 500, 650, 800, 1600, 2100, 2620],
    "no2": [0, 100, 200, 700, 1200, 2340, 3090, 3840],
    "co": [0, 5, 10, 35, 60, 90, 120, 150],
    "o3": [0, 160, 200, 300, 400, 800, 1000, 1200],
}
NAMES = {
    "pm2_5": "细颗粒物(PM2.5)",
    "pm10": "颗粒物(PM10)",
    "so2": "二氧化硫",
    "no2": "二氧化氮",
    "co": "一氧化碳",
    "o3": "臭氧",
}
CLASSES = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
CLASS_LIMITS = [50, 100, 150, 200, 300]


def indices(concentrations: dict[str, Floats]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The index of each hour, rounded up, and the place in `NAMES` of the pollutant that made it.

    Missing concentrations are NaN; an hour without any has index 0.
    """
    parts = np.stack(
        [np.interp(np.nan_to_num(concentrations[name]), BREAKPOINTS[name], INDEX) for name in NAMES]
    )
    return np.ceil(parts.max(axis=0)).astype(np.int64), parts.argmax(axis=0)


def class_of(index: int) -> str:
    return CLASSES[int(np.searchsorted(CLASS_LIMITS, index))]
