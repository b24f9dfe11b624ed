"""Classes of surface water after GB 3838-2002, table 1 (rivers): limits in mg/L for classes I to V."""

import numpy as np

from citybrain.simulate.noise import Floats, Keys

CLASSES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")
LIMITS: dict[str, tuple[float, ...]] = {
    "permanganate_index": (2, 4, 6, 10, 15),
    "cod": (15, 15, 20, 30, 40),
    "bod5": (3, 3, 4, 6, 10),
    "ammonia_nitrogen": (0.15, 0.5, 1.0, 1.5, 2.0),
    "total_phosphorus": (0.02, 0.1, 0.2, 0.3, 0.4),
    "fluoride": (1.0, 1.0, 1.0, 1.5, 1.5),
}
OXYGEN = (7.5, 6, 5, 3, 2)  # dissolved oxygen: at least


def classes_of(values: dict[str, Floats]) -> Keys:
    """The class of each row, 0 for I to 5 for worse than V: that of its worst figure."""
    worst = np.searchsorted(-np.array(OXYGEN), -values["dissolved_oxygen"], side="left")
    for pollutant, limits in LIMITS.items():
        worst = np.maximum(worst, np.searchsorted(np.array(limits), values[pollutant], side="left"))
    return worst.astype(np.int64)
