"""Defects of small tables: every figure arrives, and below them stand lines that should have been deleted.

A yearbook of forty rows cannot lose one without a hole in the city's totals. What is wrong in such tables are
drafts with a slip of the pen and rows pasted twice, left at the end.
"""

from collections.abc import Callable

import numpy as np

from citybrain.simulate.dirt import Defect, Planted, Row
from citybrain.simulate.noise import Keys, uniform

EACH_FROM = 30


def leave_lines(
    seed: int,
    dataset: str,
    rows: list[Row],
    keys: Keys,
    key_text: Callable[[Row], str],
    defects: list[Defect],
) -> list[Planted]:
    """Appends spoilt copies of some rows; the rows themselves stay sound. Returns the truth in order of rows.

    A table of thirty rows and more carries every defect at least once; a shorter one only by chance.
    """
    if not rows:
        return []
    each = len(rows) >= EACH_FROM
    choice = uniform(seed, f"{dataset}/defect", keys)
    luck = uniform(seed, f"{dataset}/luck", keys)
    bounds = np.cumsum([0.0, *(defect.share for defect in defects)])
    truth: list[Planted] = []
    for number, defect in enumerate(defects):
        chosen = np.flatnonzero((choice >= bounds[number]) & (choice < bounds[number + 1]))
        if not len(chosen) and each:
            chosen = np.array([int(np.argmin(np.abs(choice - bounds[number])))])
        for place in chosen.tolist():
            copy = dict(rows[place])
            key = key_text(copy)
            rows.append(copy)
            if defect.spoil is None:
                truth.append(Planted(place + 1, key, defect.kind, defect.column, None))
                truth.append(Planted(len(rows), key, defect.kind, defect.column, None))
            else:
                defect.spoil(copy, float(luck[place]))
                truth.append(
                    Planted(len(rows), f"{key} #{len(rows)}", defect.kind, defect.column, copy[defect.column])
                )
    return sorted(truth, key=lambda planted: planted.row)
